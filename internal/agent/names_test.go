package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// The classes of text in what is sent.
const (
	plain  = "plain"  // names no user and no device: it leaves as it is
	person = "user"   // a user's name, or a group's
	device = "device" // a device's
	absent = "absent" // leaves only where names are clear
	words  = "words"  // in somebody else's words: leaves word by word
)

// classes says of every text in every record, and in the messages beside them,
// what it is. A field that is not here fails the test: say what it is, and in
// hide what becomes of it.
var classes = map[string]string{
	"ServerRecord.Kind": plain,
	"ServerInfo.GUID":   plain, "ServerInfo.Name": plain, "ServerInfo.Hosts": plain, "ServerInfo.HostID": plain,
	"ServerInfo.Manager": plain, "ServerInfo.Version": plain,
	"NamesInfo.Mode": plain, "NamesInfo.Key": plain,
	"PoolKey.Feature": plain, "PoolKey.Daemon": plain, "PoolKey.Variant": plain,
	"Samples.Kind": plain, "Samples.Source": plain,
	"SampledPool.Vendor": plain, "SampledPool.State": plain, "SampledPool.Reason": words,
	"Events.Kind": plain, "Events.Vendor": plain,
	"Maxima.Kind": plain, "Maxima.Vendor": plain,
	"Failed.Kind": plain, "Failed.Reason": words,
	"Holders.Kind": plain, "Holder.User": person, "Holder.Host": device, "Holder.Display": absent, "Holder.How": plain,
	"Denial.Kind": plain, "Denial.User": person, "Denial.Host": device, "Denial.Reason": words, "Denial.Outcome": plain,
	"Assignments.Kind": plain, "Assignments.LastIs": plain, "Assigned.Vendor": plain, "Assigned.Who": plain, "Assigned.Names": person,
	"Sources.Kind": plain, "Source.Name": plain, "Source.Failure": words, "Source.Remark": words, "SampledPool.SharedWith": plain,
	"Gap.Kind": plain, "Gap.Reason": words, "BatchID.Epoch": plain,
	"BatchHeader.Kind": plain, "BatchHeader.Epoch": plain, "BatchHeader.Server": plain, "BatchHeader.Version": plain,
	"PollRequest.Epoch": plain, "PollRequest.Version": plain,
	"ReadState.Server": plain, "ReadState.Reason": words,
	"RegistrationRequest.AgentGUID": plain, "RegistrationRequest.PublicKey": plain, "RegistrationRequest.Host": plain, // of the license server
	"RegistrationRequest.Platform": plain, "RegistrationRequest.Version": plain,
	"Confirmation.OrganisationID": plain,
}

// secret is in every text that a test fills in.
const secret = "sëcret.Anna"

// fill puts a text of its own into every text within v, and calls see with the
// place of each.
func fill(v reflect.Value, path string, see func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, see)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path, see)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, see)
		}
	case reflect.String:
		v.SetString(secret + " in " + path)
		see(path, v)
	case reflect.Map, reflect.Interface, reflect.Array:
		see(path+" (a "+v.Kind().String()+")", v) // none so far: the test has to learn it
	}
}

// texts calls see with every text within v.
func texts(v reflect.Value, path string, see func(path, text string)) {
	switch v.Kind() {
	case reflect.Pointer:
		texts(v.Elem(), path, see)
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), path, see)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			texts(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, see)
		}
	case reflect.String:
		see(path, v.String())
	}
}

// kinds returns an empty record of every kind that the wire has, by its source:
// a new kind comes by itself.
func kinds(t *testing.T) []wire.Record {
	t.Helper()
	var out []wire.Record
	files, err := filepath.Glob("../wire/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Kind") {
				return true
			}
			kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if kind == wire.KindBatch {
				return true
			}
			var body bytes.Buffer
			if err := wire.WriteBatch(&body, wire.BatchHeader{}, []byte(`{"kind":`+strconv.Quote(kind)+`}`)); err != nil {
				t.Fatal(err)
			}
			b, err := wire.ReadBatch(&body)
			if err != nil || len(b.Records) != 1 {
				t.Fatalf("kind %s: %d records, %v", kind, len(b.Records), err)
			}
			out = append(out, b.Records[0].Record)
			return true
		})
	}
	if len(out) < 8 {
		t.Fatalf("%d kinds of record were found, want all", len(out))
	}
	return out
}

func testNames(mode string) names {
	n := names{say: wire.NamesInfo{Mode: mode, Since: 1_772_000_000}}
	if mode == wire.NamesPseudonyms {
		n.key = bytes.Repeat([]byte{7}, namesKeyBytes)
		n.say.Key = n.key.id()
	}
	return n
}

func TestEveryTextThatLeavesIsClassified(t *testing.T) {
	for _, mode := range []string{wire.NamesPseudonyms, wire.NamesNone} {
		n := testNames(mode)
		for _, r := range kinds(t) {
			fill(reflect.ValueOf(r).Elem(), "", func(path string, _ reflect.Value) {
				if classes[path] == "" {
					t.Errorf("%T: nobody has said what the text %s is; see classes", r, path)
				}
			})
			out, err := n.hide([]wire.Record{r})
			if err != nil {
				t.Errorf("%s: %v", mode, err)
				continue
			}
			for _, o := range out {
				texts(reflect.ValueOf(o), "", func(path, got string) { checkClass(t, n, path, got) })
			}
		}
	}
}

// checkClass says whether a text that was filled in leaves as its class wants.
func checkClass(t *testing.T, n names, path, got string) {
	t.Helper()
	was := secret + " in " + path
	ok := true
	switch classes[path] {
	case plain:
		ok = got == was
	case person, device:
		ok = got == n.name(classes[path], was) && !strings.Contains(got, "cret")
	case absent:
		ok = got == ""
	case words:
		ok = got == masked+" in "+masked
	}
	if !ok {
		t.Errorf("%s: %s (%s) leaves as %q", n, path, classes[path], got)
	}
}

func TestMessagesBesideBatchesAreClassified(t *testing.T) {
	for _, v := range []any{new(wire.PollRequest), new(wire.RegistrationRequest), new(wire.Confirmation), new(wire.BatchHeader)} {
		fill(reflect.ValueOf(v).Elem(), "", func(path string, _ reflect.Value) {
			if classes[path] == "" {
				t.Errorf("%T: nobody has said what the text %s is; see classes", v, path)
			}
		})
	}
}

// Nothing gets around put: other code of the agent has no way into the spool.
func TestRecordsHaveOneWayIntoTheSpool(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			n += strings.Count(string(text), "spool.Append(")
		}
	}
	if n != 1 {
		t.Errorf("records are put into the spool at %d places, want one, behind hide", n)
	}
}

// hostile are names that try to get through.
var hostile = []string{
	"anna", "ANNA@corp.example", `CORP\anna`, "Jürgen Groß", "-15,570x", "12345", "-4711", "=cmd()", "<script>alert(1)</script>",
	"anna\u202egpj", "a\nb", "~3f2a91c0-", "~3f2a91c0-abcdefghijklmnop1", strings.Repeat("x", 600), "anna(-15)", "\"anna\"", "...anna...",
}

func TestNoHostileNameLeaves(t *testing.T) {
	for _, mode := range []string{wire.NamesPseudonyms, wire.NamesNone} {
		for _, name := range hostile {
			all := []wire.Record{
				&wire.Holders{Holders: []wire.Holder{{User: name, Host: name, Display: name + ":0"}}},
				&wire.Denial{User: name, Host: name, Reason: "refused to " + name + "@" + name, Count: 1},
				&wire.Failed{Reason: "no answer for " + name + " (" + name + ")"},
				&wire.Samples{At: []int64{1}, Pools: []wire.SampledPool{{Reason: name}}},
				&wire.Gap{Reason: "/home/" + name + "/spool: damaged"},
			}
			out, err := testNames(mode).hide(all)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			quoted, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(bytes.ToLower(text), bytes.ToLower(bytes.Trim(quoted, `"`))) {
				t.Errorf("%s: %q leaves in %s", mode, name, text)
			}
			if !strings.Contains(all[0].(*wire.Holders).Holders[0].User, name) {
				t.Errorf("%s: the record itself was changed", mode)
			}
		}
	}
}

func TestHidingTwiceIsHidingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := testNames(rapid.SampledFrom([]string{wire.NamesClear, wire.NamesPseudonyms, wire.NamesNone}).Draw(t, "mode"))
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile))
		records := []wire.Record{
			&wire.Holders{Holders: []wire.Holder{{User: text.Draw(t, "user"), Host: text.Draw(t, "host"), Display: text.Draw(t, "display")}}},
			&wire.Denial{User: text.Draw(t, "refused"), Reason: text.Draw(t, "reason"), Count: 2},
			&wire.Failed{Reason: text.Draw(t, "failure")},
		}
		once, err := n.hide(records)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := n.hide(once)
		if err != nil || !reflect.DeepEqual(once, twice) {
			t.Errorf("%s: once %+v, twice %+v, %v", n, once, twice, err)
		}
	})
}

func TestPseudonymsAreOfPeopleAndKeys(t *testing.T) {
	n, other := testNames(wire.NamesPseudonyms), testNames(wire.NamesPseudonyms)
	other.key = bytes.Repeat([]byte{8}, namesKeyBytes)
	other.say.Key = other.key.id()
	anna := n.name(userName, "Anna")
	if !pseudonym.MatchString(anna) || license.FoldName(anna) != anna {
		t.Errorf("a pseudonym is %q, want its form, folded", anna)
	}
	for _, c := range []struct {
		what string
		got  string
		same bool
	}{
		{"in another case and with blanks", n.name(userName, " ANNA "), true},
		{"another user", n.name(userName, "anne"), false},
		{"a device", n.name(deviceName, "Anna"), false},
		{"under another key", other.name(userName, "Anna"), false},
	} {
		if (c.got == anna) != c.same {
			t.Errorf("%s: %s and %s, want the same: %t", c.what, anna, c.got, c.same)
		}
	}
	if got := n.name(userName, " "); got != "" {
		t.Errorf("no name is %q, want none", got)
	}
}

func TestTextsKeepWhatExplainsThem(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Cannot connect to license server system. (-15,578:10049)", "Cannot connect to license server system. (-15,578:10049)"},
		{"Licensed number of users already reached. (-4,342)", "Licensed number of users already reached. (-4,342)"},
		{"User/host on EXCLUDE list for feature. (-38,348)", "User/host on EXCLUDE list for feature. (-38,348)"},
		{"/opt/flexnet/lmutil: no such file or directory", masked + " no such file or directory"},
		{"license of anna@ws07 was removed by jo bloggs", "license of " + masked + " was removed by " + masked},
		{"all licenses in use", "all licenses in use"},
		{"", ""},
	} {
		if got := maskText(c.text); got != c.want {
			t.Errorf("%q leaves as %q, want %q", c.text, got, c.want)
		}
	}
}

func TestDenialsWithoutNamesAreNotLost(t *testing.T) {
	d := func(user string, at, count int64) wire.Record {
		return &wire.Denial{PoolKey: wire.PoolKey{Feature: "cad"}, At: at, User: user, Reason: "all licenses in use", Count: count}
	}
	out, err := testNames(wire.NamesNone).hide([]wire.Record{d("anna", 5, 2), d("jo", 5, 3), d("jo", 6, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out {
		got = append(got, fmt.Sprintf("%d:%d", r.(*wire.Denial).At, r.(*wire.Denial).Count))
	}
	if want := "5:5 6:1"; strings.Join(got, " ") != want {
		t.Errorf("denials %v, want %s", got, want)
	}
}

func TestAChangeOfNamesHasAnInstant(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "names.key")
	id, err := NewNamesKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	var before wire.NamesInfo
	for i, step := range []struct {
		mode  string
		since int64
		key   string
	}{
		{wire.NamesClear, 0, ""},
		{wire.NamesPseudonyms, 200, id},
		{wire.NamesPseudonyms, 200, id},
		{wire.NamesNone, 400, ""},
		{wire.NamesClear, 500, ""},
		{wire.NamesClear, 500, ""},
	} {
		c := ServerConfig{Names: step.mode, NamesKey: keyFile}
		n, err := c.names(before, time.Unix(int64(100*(i+1)), 0))
		if err != nil {
			t.Fatal(err)
		}
		if n.say.Since != step.since || n.say.Key != step.key || (n.info() == nil) != (step.since == 0) {
			t.Errorf("step %d: %+v, want since %d and key %q", i+1, n.say, step.since, step.key)
		}
		before = n.say
	}
}

func TestAKeyIsReadOnlyWhereItIsSafe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "names.key")
	id, err := NewNamesKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(id) {
		t.Errorf("the key's id is %q, want 8 hexadecimal digits", id)
	}
	if key, err := loadNamesKey(path); err != nil || key.id() != id {
		t.Errorf("the key is read as %s, %v; want %s", key.id(), err, id)
	}
	if _, err := NewNamesKey(path); err == nil || !strings.Contains(err.Error(), "never replaced") {
		t.Errorf("a second key in the file: %v, want a refusal", err)
	}
	if _, err := loadNamesKey(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	wrong := filepath.Join(dir, "wrong")
	if err := os.WriteFile(wrong, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadNamesKey(wrong); err == nil || !strings.Contains(err.Error(), "holds no key") {
		t.Errorf("a file without a key: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := loadNamesKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v, want a refusal", err)
	}
}
