package rest_test

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/rest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// marker is in every name that another organisation has.
const marker = "marker-of-b"

// neighbours are two organisations of one hub, with the same license server, product
// and ids; all other names of the second have the marker in them.
func neighbours(t *testing.T) (a, b client, guid string) {
	t.Helper()
	a = newClient(t, account.Admin)
	a.reads("lic-1", 3, 9)
	h := a.hub.Another(marker+" Ltd", marker+"@example.com")
	b = newClientOf(t, h, account.Admin)
	agent := b.reads("lic-1", 7, 8)
	at := time.Now()
	body, err := wire.EncodeBatch(wire.BatchHeader{Epoch: hubtest.Epoch, Seq: 3, Server: agent.Servers[0].GUID, MadeAt: at.Unix(), Version: "test"},
		&wire.Holders{At: at.Unix(), Holders: []wire.Holder{{PoolKey: wire.PoolKey{Feature: "feature"}, User: marker + "-user", Host: marker + "-host", Licenses: 1, How: license.HolderActive}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := agent.Put(3, body); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if _, err := h.Accounts.Invite(t.Context(), h.Actor(), marker+"-guest@example.com", account.Viewer); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Accounts.MakeToken(t.Context(), h.Actor(), marker+"-token", account.Viewer, 1); err != nil {
		t.Fatal(err)
	}
	if got := b.get("/servers/" + agent.Servers[0].GUID); got.status != http.StatusOK {
		t.Fatalf("the second organisation's own license server: %d %s", got.status, got.body)
	}
	return a, b, agent.Servers[0].GUID
}

// consolePages are the console's pages and files that are asked for by GET.
var consolePages = []string{
	"/", "/usage/{product}", "/usage/{product}/trend.csv", "/usage/{product}/at", "/usage/{product}/week", "/usage/{product}/week.csv",
	"/usage/{product}/servers.csv", "/usage/{product}/activity.csv", "/usage/{product}/denials.csv", "/usage/{product}/checkouts.csv",
	"/servers", "/servers/{guid}", "/servers/delete", "/registrations", "/registrations/register", "/bench", "/audit", "/audit/log.csv",
	"/settings", "/settings/factor", "/settings/signin", "/settings/organisation", "/settings/members", "/settings/catalog", "/settings/catalog/{key}", "/settings/tokens",
}

// anOperation is a line of the document.
type anOperation struct {
	method, path string
	params       []param
}

type param struct{ Name, In string }

func operations(t *testing.T, c client) (all []anOperation) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []param
		}
	}
	c.get("/openapi.json").into(t, &doc)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			all = append(all, anOperation{strings.ToUpper(method), strings.TrimPrefix(path, rest.Prefix), doc.Paths[path][method].Parameters})
		}
	}
	return all
}

// T-01, another organisation: what it has is not there, for each operation that names
// a thing.
func TestThingsOfAnotherOrganisationAreNotThere(t *testing.T) {
	a, b, guid := neighbours(t)
	before := b.get("/audit/head").body
	asked := 0
	for _, op := range operations(t, a) {
		if !strings.Contains(op.path, "{guid}") {
			continue
		}
		path := strings.ReplaceAll(op.path, "{guid}", guid)
		if slices.ContainsFunc(op.params, func(p param) bool { return p.Name == "name" }) {
			path += "?name=lic-1" // what is to be deleted is named
		}
		got := a.do(op.method, path, "")
		if asked++; got.status != http.StatusNotFound && !(got.status == http.StatusForbidden && strings.Contains(got.body, "may not delete")) {
			t.Errorf("%s %s of another organisation: %d %s, want 404", op.method, op.path, got.status, got.body)
		}
	}
	if after := b.get("/audit/head").body; asked < 4 || after != before {
		t.Errorf("%d operations asked; the other's audit log went from %s to %s", asked, before, after)
	}
	t.Logf("T-01: %d operations on another organisation's license server, none there", asked)
}

// T-03: whatever an administrator of one organisation asks for, through the API and the
// console, no answer has a word of another's.
func TestNoAnswerHasAWordOfAnotherOrganisation(t *testing.T) {
	a, _, guid := neighbours(t)
	times := 1000
	if os.Getenv("HEADROOM_LONG") != "" {
		times = 5000
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.PostForm(a.hub.URL()+"/login", url.Values{"email": {hubtest.Email}, "password": {hubtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); got.status != http.StatusSeeOther {
		t.Fatalf("sign in: %d %s", got.status, got.body)
	}
	reads := operations(t, a)
	for _, path := range consolePages {
		reads = append(reads, anOperation{method: "page", path: path})
	}
	r := rand.New(rand.NewPCG(3, 4))
	words := []string{guid, "feature", "flexnet.feature", marker, marker + "@example.com", "lic-1", "1", "2", "3", "4", "active", "", "9999-12-31T23:59:59Z"}
	word := func() string { return words[r.IntN(len(words))] }
	good, bytes := 0, 0
	for n := range times {
		if n%40 == 0 { // a token may not ask as often
			a = newClientOf(t, a.hub, account.Admin)
		}
		op := reads[r.IntN(len(reads))]
		path, query := op.path, url.Values{}
		for _, p := range op.params {
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(word()))
			case r.IntN(2) == 0 && p.Name != "Accept":
				query.Add(p.Name, word())
			}
		}
		var got answer
		switch op.method {
		case "page":
			for strings.Contains(path, "{") {
				from, to := strings.Index(path, "{"), strings.Index(path, "}")
				path = path[:from] + url.PathEscape(word()) + path[to+1:]
			}
			for _, key := range []string{"server", "product", "on", "who", "view", "before"} {
				if r.IntN(3) == 0 {
					query.Add(key, word())
				}
			}
			got = a.page(browser, path+"?"+query.Encode())
		case http.MethodGet:
			headers := []string{}
			if r.IntN(2) == 0 {
				headers = []string{"Accept", "text/csv"}
			}
			got = a.do(op.method, path+"?"+query.Encode(), "", headers...)
		default:
			continue
		}
		if bytes += len(got.body); got.status < 300 {
			good++
		}
		// What was asked for may be repeated, as a refusal does.
		if asked := strings.Contains(path+query.Encode(), "marker"); strings.Contains(got.body, marker) && !asked {
			t.Errorf("%s %s?%s: %d has a word of the other: %s", op.method, path, query.Encode(), got.status, got.body)
		}
	}
	t.Logf("T-03: %d requests, %d with an answer, %d bytes without the other's words", times, good, bytes)
	if good < times/10 {
		t.Errorf("%d of %d requests had an answer: this test does not see what there is", good, times)
	}
}

// page asks the console for a page.
func (c client) page(browser *http.Client, path string) answer {
	c.t.Helper()
	resp, err := browser.Get(c.hub.URL() + path)
	if err != nil {
		c.t.Fatal(err)
	}
	return read(c.t, resp)
}
