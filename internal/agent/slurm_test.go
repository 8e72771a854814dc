//go:build linux

package agent_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/hub/hubtest"
	"headroom/internal/wire"
)

// A real controller is asked through an agent's reader, which tells a real hub,
// whose console is then looked at: at three instants the licenses in use are
// those that the running jobs asked for.
func TestLicensesOfASlurmClusterStandInTheConsole(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := hubtest.New(t)
	conf := config(t, h.URL(), agent.ServerConfig{
		Name: "alps", Reader: "slurm", Tool: filepath.Join(c.tools, "scontrol"), Path: c.conf, Timeout: agent.Duration(patience),
	})
	joinHub(t, h, conf)
	b := signedIn(t, h)

	first := c.submit("mesher:2")
	at := tell(t, conf, time.Time{})
	b.wants("first job", map[string]string{"mesher": "2/10", "solver": "0/5"})

	second, third := c.submit("mesher:3,solver"), c.submit("solver:4")
	at = tell(t, conf, at)
	b.wants("three jobs", map[string]string{"mesher": "5/10", "solver": "5/5"})

	c.cancel(second)
	tell(t, conf, at)
	b.wants("one of them ended", map[string]string{"mesher": "2/10", "solver": "4/5"})

	if page := b.get("/servers"); !strings.Contains(page, "Slurm") || !strings.Contains(page, "alps") {
		t.Error("the page of license servers does not show alps with its Slurm")
	}
	c.cancel(first)
	c.cancel(third)
}

// joinHub registers an agent with a real hub.
func joinHub(t *testing.T, h *hubtest.Hub, c agent.Config) {
	t.Helper()
	a := open(t, c)
	share(t, a)
	st := register(t, a, "")
	h.Approve(st.Code)
	if st, err := a.Standing(t.Context()); err != nil || st.State != wire.RegistrationApproved {
		t.Fatalf("standing %+v, %v, want approved", st, err)
	}
	if err := a.Confirm(t.Context(), h.Org.PublicID, true); err != nil {
		t.Fatal(err)
	}
	shut(t, a)
}

// tell reads the cluster once, in a second after that of the last reading, and
// sends what it said. It returns when that was.
func tell(t *testing.T, c agent.Config, last time.Time) time.Time {
	t.Helper()
	eventually(t, "another second has begun", func() bool { return time.Now().Unix() > last.Unix() })
	a := open(t, c)
	stop := run(t, a)
	eventuallyWithin(t, patience, "the cluster is read", func() bool {
		s := status(t, a).Servers[0]
		if !s.Tried.IsZero() && !s.OK {
			t.Fatalf("the cluster was not read: %s", s.Reason)
		}
		return s.OK
	})
	send(t, a)
	if err := stop(); err != nil {
		t.Error(err)
	}
	at := status(t, a).Servers[0].LastGood
	shut(t, a)
	return at
}

func eventuallyWithin(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(limit)
	for !so() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// A browser has signed in to a console.
type browser struct {
	t      *testing.T
	client *http.Client
	home   string
}

func signedIn(t *testing.T, h *hubtest.Hub) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, client: &http.Client{Jar: jar}, home: h.URL()}
	resp, err := b.client.PostForm(b.home+"/login", url.Values{"email": {hubtest.Email}, "password": {hubtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path == "/login" {
		t.Fatalf("sign in: %s at %s", resp.Status, resp.Request.URL)
	}
	return b
}

func (b *browser) get(path string) string {
	b.t.Helper()
	resp, err := b.client.Get(b.home + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
	}
	return string(body)
}

// wants compares in use and installed of products, as the console shows them:
// each product has a card on the first page, and its servers as a table.
func (b *browser) wants(when string, products map[string]string) {
	b.t.Helper()
	cards := regexp.MustCompile(`href="(/usage/[^"?/]+)`).FindAllStringSubmatch(b.get("/"), -1)
	for product, want := range products {
		i := slices.IndexFunc(cards, func(card []string) bool { return strings.HasSuffix(card[1], product) })
		if i < 0 {
			b.t.Errorf("%s: there is no card of %s", when, product)
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(cards[i][1]+"/servers.csv"), "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 2 {
			b.t.Fatalf("%s: servers of %s: %v, %v", when, product, rows, err)
		}
		cell := func(title string) string { return rows[1][slices.Index(rows[0], title)] }
		if got := fmt.Sprintf("%s/%s", cell("in_use"), cell("installed")); got != want || cell("license_server") != "alps" {
			b.t.Errorf("%s: %s has %s in use on %s, want %s on alps", when, product, got, cell("license_server"), want)
		}
	}
}
