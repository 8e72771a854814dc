package agent_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent"
	"headroom/internal/wire"
)

// namedDocument has clear names in all places where a source can put them.
func namedDocument(t *testing.T, name string) string {
	t.Helper()
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(`{"headroom_usage": 1, "server": {"hosts": ["lic7"], "manager": "acme-lm"},
		"pools": [{"feature": "CAD", "installed": 9, "in_use": 1}, {"feature": "MESH", "state": "error", "reason": NAME}],
		"holders": [{"feature": "CAD", "user": NAME, "host": NAME, "display": NAME, "licenses": 1}],
		"denials": [{"feature": "CAD", "at": "2026-03-03T08:59:58+01:00", "user": NAME, "host": NAME, "reason": NAME}]}`, "NAME", string(quoted))
}

// sent returns the text of the payload that was sent last.
func sent(t *testing.T, a agent.Control) string {
	t.Helper()
	p, err := a.Payload(t.Context())
	if err != nil || p.Batch == nil {
		t.Fatalf("payload %+v, %v; want a batch", p, err)
	}
	var text bytes.Buffer
	if err := p.Batch.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	return text.String() + string(p.Poll)
}

// namesKey makes a key for pseudonyms.
func namesKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "names.key")
	if _, err := agent.NewNamesKey(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestThePayloadHasClearNamesOnlyWhereTheyAreToLeave(t *testing.T) {
	for _, name := range []string{"anna.schmidt", `CORP\Änne`, "=cmd()|x", "<b>anna</b>", "anna\u202egpj", "8876543210123"} {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		inside := string(bytes.Trim(quoted, `"`))
		for _, mode := range []string{wire.NamesClear, wire.NamesPseudonyms, wire.NamesNone} {
			h := newHub(t)
			server := genericServer(t, "told", namedDocument(t, name))
			if server.Names = mode; mode == wire.NamesPseudonyms {
				server.NamesKey = namesKey(t)
			}
			a := open(t, config(t, h.URL, server))
			stop := run(t, a)
			read(t, a)
			join(t, h, a)
			send(t, a)
			text := sent(t, a)
			if got := strings.Contains(strings.ToLower(text), strings.ToLower(inside)); got != (mode == wire.NamesClear) {
				t.Errorf("%s: the name %q is in the payload: %t\n%s", mode, name, got, text)
			}
			if !strings.Contains(text, "CAD") || strings.Contains(text, `"names":{"mode":"`+mode) == (mode == wire.NamesClear) {
				t.Errorf("%s: want the pool and, unless clear, the mode in\n%s", mode, text)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestThePayloadIsWhatTheHubGot(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, genericServer(t, "told", namedDocument(t, "anna"))))
	if p, err := a.Payload(t.Context()); err != nil || p.Batch != nil || len(p.Poll) == 0 {
		t.Errorf("before the first upload: %+v, %v; want a poll and no batch", p, err)
	}
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	p, err := a.Payload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.ReadBatch(bytes.NewReader(p.Batch.Body))
	if err != nil {
		t.Fatal(err)
	}
	h.with(func() {
		if d := cmp.Diff(got, h.batches[len(h.batches)-1]); d != "" {
			t.Errorf("payload (-got +what the hub stored):\n%s", d)
		}
	})
	if p.Batch.Server != "told" {
		t.Errorf("the batch is of %q, want the server's name", p.Batch.Server)
	}
}

// What was read while names were clear, and waits, leaves as it may now.
func TestWhatWaitsLeavesInTheNewMode(t *testing.T) {
	h := newHub(t)
	c := config(t, h.URL, genericServer(t, "told", namedDocument(t, "anna")))
	a := open(t, c)
	stop := run(t, a)
	read(t, a)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	shut(t, a)
	c.Servers[0].Names = wire.NamesNone
	b := open(t, c)
	join(t, h, b)
	send(t, b)
	text := sent(t, b)
	if strings.Contains(text, "anna") || !strings.Contains(text, `"holders"`) {
		t.Errorf("want the holders without their names:\n%s", text)
	}
	if got := status(t, b).Servers[0].Names; got != "none" {
		t.Errorf("the status says names: %q, want none", got)
	}
}

func TestNamesAreConfiguredAsAWhole(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{`names = "hashed"`, `names is "hashed": it must be one of clear, pseudonyms, none`},
		{`names = "pseudonyms"`, "names_key is missing"},
		{`names_key = "names.key"`, `names is "clear": the key is for "pseudonyms"`},
		{`names = "none"` + "\n" + `names_key = "names.key"`, `names is "none": the key is for "pseudonyms"`},
	} {
		_, err := agent.LoadConfig(writeConfig(t, good+c.keys+"\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.keys, err, c.want)
		}
	}
	c, err := agent.LoadConfig(writeConfig(t, good+"names = \"pseudonyms\"\nnames_key = \"names.key\"\n"))
	if err != nil || !filepath.IsAbs(c.Servers[0].NamesKey) {
		t.Fatalf("key %q, %v; want it in the configuration's folder", c.Servers[0].NamesKey, err)
	}
	if _, err := agent.Open(c, options(t)); err == nil || !strings.Contains(err.Error(), "server cad: names_key") {
		t.Errorf("a key that is not there: %v, want an agent that does not start", err)
	}
}
