package rest_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/rest"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/wire"
)

// A client asks the API of a hub with a token.
type client struct {
	t     *testing.T
	hub   *hubtest.Hub
	token string
}

// An answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func newClient(t *testing.T, role account.Role) client {
	t.Helper()
	return newClientOf(t, hubtest.New(t), role)
}

func newClientOf(t *testing.T, h *hubtest.Hub, role account.Role) client {
	t.Helper()
	token, err := h.Accounts.MakeToken(t.Context(), h.Actor(), "test", role, 1)
	if err != nil {
		t.Fatal(err)
	}
	return client{t, h, token}
}

func (c client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.hub.URL()+rest.Prefix+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return read(c.t, resp)
}

// read takes an answer whole, and closes it.
func read(t testing.TB, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (c client) get(path string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, "")
}

// reads makes an agent that has sent some readings of one license server.
func (c client) reads(name string, inUse ...int64) *hubtest.Agent {
	c.t.Helper()
	a := c.hub.RegisteredAgent(name)
	for i, n := range inUse {
		at := time.Now().Add(time.Duration(i-len(inUse)) * 5 * time.Minute)
		if got := a.Put(uint64(i+1), a.Batch(uint64(i+1), at, n)); got.Status != http.StatusOK {
			c.t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	return a
}

func TestProgramsSeeWhatTheConsoleShows(t *testing.T) {
	c := newClient(t, account.Viewer)
	a, b := c.reads("lic-a", 3, 9, 4), c.reads("lic-b", 10, 20, 30)

	var o rest.Organisation
	c.get("/organisation").into(t, &o)
	if o.ID != c.hub.Org.PublicID || o.Zone != "Europe/Berlin" {
		t.Errorf("organisation %+v", o)
	}
	var servers struct {
		Items []rest.LicenseServer
		Total int
		Next  string
	}
	c.get("/servers?limit=1").into(t, &servers)
	if len(servers.Items) != 1 || servers.Total != 2 || servers.Next == "" || servers.Items[0].Status != "reporting" || servers.Items[0].GUID != a.Servers[0].GUID {
		t.Fatalf("first page of license servers: %+v", servers)
	}
	c.get("/servers?limit=1&cursor="+servers.Next).into(t, &servers)
	if len(servers.Items) != 1 || servers.Items[0].GUID != b.Servers[0].GUID {
		t.Errorf("second page: %+v", servers)
	}
	var one rest.LicenseServer
	c.get("/servers/"+a.Servers[0].GUID).into(t, &one)
	if one.Name != "lic-a" || one.LastReported == nil || one.ErasedBefore != nil {
		t.Errorf("license server %+v", one)
	}
	var products struct{ Items []rest.ProductUse }
	c.get("/products").into(t, &products)
	// The readings of the two may lie a second apart: 9 and 30 at the same time then.
	if len(products.Items) != 1 || *products.Items[0].Current.InUse != 34 || *products.Items[0].Current.Installed != 200 || *products.Items[0].Peaks.All.Value != 39 && *products.Items[0].Peaks.All.Value != 34 {
		t.Fatalf("products %+v", products)
	}
	path := "/products/" + url.PathEscape(products.Items[0].Key)
	var d rest.Details
	c.get(path+"?explain=true&server="+b.Servers[0].GUID).into(t, &d)
	if len(d.Servers) != 1 || *d.Peak.Value != 30 || *d.Servers[0].Share != 30 || d.Explain == nil || *d.Explain.Parts[0].InUse != 30 || d.Current.Borrowed != nil {
		t.Errorf("details %+v", d)
	}
	var trend rest.Trend
	c.get(path+"/trend?step=month").into(t, &trend)
	if n := len(trend.Steps); n < 1 || n > 2 || trend.Steps[n-1].Peak.Value == nil {
		t.Errorf("trend %+v", trend)
	}
	var week rest.Week
	c.get(path+"/week").into(t, &week)
	if len(week.Hours) != 7*24 || week.Hours[0].Weekday != "Monday" || week.Zone != "Europe/Berlin" {
		t.Errorf("week of %d hours, the first %+v", len(week.Hours), week.Hours[0])
	}
	for _, list := range []string{"/assignments", "/checkouts?kind=active", "/denials?limit=5"} {
		var rows struct {
			Items []json.RawMessage
			Total *int
		}
		c.get(path+list).into(t, &rows)
		if rows.Items == nil || rows.Total == nil {
			t.Errorf("%s: %+v, want an empty list", list, rows)
		}
	}
	var agents struct{ Items []rest.Agent }
	c.get("/registrations").into(t, &agents)
	if len(agents.Items) != 2 || agents.Items[0].Removed != nil || agents.Items[0].Servers[0] != a.Servers[0].GUID {
		t.Errorf("registrations %+v", agents)
	}
	whole := c.get("/servers")
	if tag := whole.header.Get("ETag"); tag == "" {
		t.Error("an answer without a tag")
	} else if again := c.do(http.MethodGet, "/servers", "", "If-None-Match", tag); again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("with the tag of the same answer: %d %q", again.status, again.body)
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	c := newClient(t, account.Viewer)
	stranger := c
	stranger.token = ""
	thief := c
	thief.token = account.TokenPrefix + "AAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, w := range []struct {
		who          client
		method, path string
		body         string
		status       int
		says         string
	}{
		{stranger, "GET", "/servers", "", 401, "Authorization: Bearer"},
		{thief, "GET", "/servers", "", 401, "not known"},
		{c, "GET", "/servers/nobody", "", 404, "nobody"},
		{c, "GET", "/products/none", "", 404, ""},
		{c, "GET", "/products/none/trend?step=hour", "", 422, "step"},
		{c, "GET", "/servers?limit=0", "", 422, "limit"},
		{c, "GET", "/servers?cursor=x", "", 422, "cursor"},
		{c, "GET", "/servers?nothing=1", "", 422, "nothing"},
		{c, "GET", "/nothing", "", 404, "docs"},
		{c, "POST", "/servers/x/update", "", 403, "operator"},
		{c, "GET", "/audit", "", 403, "admin"},
		{c, "DELETE", "/registrations/1", "", 403, "admin"},
	} {
		got := w.who.do(w.method, w.path, w.body)
		if got.status != w.status || !strings.Contains(got.body, w.says) || got.header.Get("Content-Type") != "application/problem+json" || !json.Valid([]byte(got.body)) {
			t.Errorf("%s %s: %d %s %s, want %d and a problem that says %q", w.method, w.path, got.status, got.header.Get("Content-Type"), got.body, w.status, w.says)
		}
	}
}

// T-02: a body with fields that an operation does not have is refused: of every
// operation that takes one, as the document lists them.
func TestBodiesHaveNoOtherFields(t *testing.T) {
	c := newClient(t, account.Admin)
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody *struct{}
		}
	}
	c.get("/openapi.json").into(t, &doc)
	wild, asked := regexp.MustCompile(`\{[a-z]+\}`), 0
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.RequestBody == nil {
				continue
			}
			path := wild.ReplaceAllString(strings.TrimPrefix(path, rest.Prefix), "1")
			for _, field := range []string{"tenant_id", "org", "id", "is_admin"} {
				if asked%40 == 0 { // a token may not ask as often
					c = newClientOf(t, c.hub, account.Admin)
				}
				got := c.do(strings.ToUpper(method), path, `{"`+field+`":1}`)
				if asked++; got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `body.`+field) {
					t.Errorf("%s %s with %s: %d %s, want 422 that names it", method, path, field, got.status, got.body)
				}
			}
		}
	}
	if asked < 4*7 {
		t.Errorf("%d bodies: this test does not see the operations", asked)
	}
	t.Logf("T-02: %d bodies", asked)
	if got := c.do(http.MethodPost, "/registrations", `{"code":"`+strings.Repeat("A", 100_000)+`"}`); got.status != http.StatusRequestEntityTooLarge && got.status != http.StatusUnprocessableEntity {
		t.Errorf("a body of 100 KB: %d", got.status)
	}
}

// What a token does is told in the audit log by its name.
func TestActsOfTokensAreTold(t *testing.T) {
	c := newClient(t, account.Admin)
	a := c.reads("lic-a", 1)
	if got := c.do(http.MethodPost, "/servers/"+a.Servers[0].GUID+"/update", ""); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if p := a.Poll(); !slices.Contains(p.Wants, wire.WantUpload) {
		t.Errorf("the agent hears %v", p.Wants)
	}
	newcomer := c.hub.NewAgent("lic-b")
	code := newcomer.Register().Code
	if got := c.do(http.MethodPost, "/registrations", `{"code":"`+code+`"}`); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := c.do(http.MethodDelete, "/registrations/1", ""); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	var log rest.AuditLog
	c.get("/audit?limit=3&who=token").into(t, &log)
	var acts []string
	for _, e := range log.Items {
		if e.By != "token test" || !strings.HasPrefix(e.Address, "127.") {
			t.Errorf("entry %+v", e)
		}
		acts = append(acts, e.Act)
	}
	if want := []string{string(audit.Removed), string(audit.Approved), string(audit.AskedFor)}; !slices.Equal(acts, want) {
		t.Errorf("acts %v, want %v", acts, want)
	}
}

// A token of one organisation sees nothing of another, whatever it asks for.
func TestATokenSeesItsOrganisationOnly(t *testing.T) {
	dsn := storetest.SQLite(t)
	c := newClientOf(t, hubtest.New(t, func(c *hub.Config) { c.Store = dsn }), account.Admin)
	a := c.reads("marker-lic", 5)
	link, err := hub.AddOrganisation(t.Context(), dsn, "Other", "UTC", "eve@example.com")
	if err != nil {
		t.Fatal(err)
	}
	eve, err := c.hub.Accounts.Accept(t.Context(), link[strings.LastIndex(link, "/")+1:], "Eve", hubtest.Password, "")
	if err != nil {
		t.Fatal(err)
	}
	other := c
	if other.token, err = c.hub.Accounts.MakeToken(t.Context(), eve.Actor(""), "other", account.Admin, 1); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/servers", "/servers/" + a.Servers[0].GUID, "/products", "/products/feature", "/registrations", "/audit"} {
		if got := other.get(path); strings.Contains(got.body, "marker-lic") || got.status >= 500 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := other.do(http.MethodDelete, "/registrations/1", ""); got.status != http.StatusNotFound {
		t.Errorf("removing the other's registration: %d %s, want 404", got.status, got.body)
	}
	if got := other.do(http.MethodPost, "/servers/"+a.Servers[0].GUID+"/update", ""); got.status != http.StatusNotFound {
		t.Errorf("an update of the other's: %d, want 404", got.status)
	}
}

func TestATokenIsSlowedDown(t *testing.T) {
	c := newClient(t, account.Viewer)
	refused := 0
	for range 80 {
		got := c.get("/organisation")
		if got.status == http.StatusTooManyRequests {
			if refused++; got.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
			}
		}
	}
	if refused == 0 {
		t.Error("80 requests at once were all answered")
	}
}

// Requests that nobody would make get no 5xx: 2,000 of them, on every operation.
func TestNoRequestFails(t *testing.T) {
	c := newClient(t, account.Admin)
	a := c.reads("lic-a", 3, 9)
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	c.get("/openapi.json").into(t, &doc)
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"", "0", "-1", "1", "x", "99999999999999999999", "day", "peak", a.Servers[0].GUID, "feature", "%00", "\u2028", "2026-11-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", strings.Repeat("z", 500), "'; DROP TABLE audit; --", "active", "true"}
	word := func() string { return words[r.IntN(len(words))] }
	counts := map[int]int{}
	type operation struct {
		method, path string
		params       []struct{ Name, In string }
	}
	var all []operation
	for path, item := range doc.Paths {
		for method, op := range item {
			all = append(all, operation{strings.ToUpper(method), strings.TrimPrefix(path, rest.Prefix), op.Parameters})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.method+a.path, b.method+b.path) })
	if len(all) < 15 {
		t.Fatalf("%d operations in the document", len(all))
	}
	for n := range 2000 {
		if n%40 == 0 { // a token may not ask as often
			c = newClientOf(t, c.hub, account.Admin)
		}
		op := all[r.IntN(len(all))]
		path, query := op.path, url.Values{}
		for _, p := range op.params {
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(word()+"x"))
			case r.IntN(2) == 0:
				query.Add(p.Name, word())
			}
		}
		body := ""
		if op.method == http.MethodPost {
			body = []string{"", "{", "null", "[]", `{"code":1}`, `{"code":"AAAAA-AAAAA"}`, strings.Repeat("[", 5000)}[r.IntN(7)]
		}
		got := c.do(op.method, path+"?"+query.Encode(), body)
		if counts[got.status]++; got.status >= 500 {
			t.Errorf("%s %s?%s %q: %d %s", op.method, path, query.Encode(), body, got.status, got.body)
		}
	}
	t.Logf("2000 requests on %d operations: %v", len(all), counts)
}

func TestTheDocumentIsShownToPeople(t *testing.T) {
	c := newClient(t, account.Viewer)
	c.token = ""
	page := c.get("/docs")
	if page.status != http.StatusOK || !strings.Contains(page.body, "<code>/api/v1/products/{product}</code>") || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src") {
		t.Errorf("%d %s", page.status, page.body)
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]any
	}
	c.get("/openapi.json").into(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %q", doc.OpenAPI)
	}
	for path := range doc.Paths {
		if !strings.Contains(page.body, path) {
			t.Errorf("the page does not tell of %s", path)
		}
	}
}

func TestPrometheusReadsTheEstate(t *testing.T) {
	c := newClient(t, account.Viewer)
	c.reads("lic-a", 3, 9, 4)
	c.reads("lic-b", 10)
	got := c.get("/metrics")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	for _, line := range []string{
		`flexlm_feature_issued{app="",name="feature"} 200`, `flexlm_feature_used{app="",name="feature"} 14`,
		`headroom_license_server_reporting{manager="flexnet",server="lic-a"} 1`, `headroom_license_servers{state="registered"} 2`,
	} {
		if !strings.Contains(got.body, line) {
			t.Errorf("there is no %s in\n%s", line, got.body)
		}
	}
	if strings.Contains(got.body, "overdraft_used{") {
		t.Error("an unknown overdraft is told")
	}
	promtool(t, got.body)
	c.token = ""
	if got := c.get("/metrics"); got.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got.status)
	}
}

// promtool asks Prometheus' own tool whether metrics are written as they should be.
func promtool(t *testing.T, metrics string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Log("how metrics are written is not checked: ", err)
		return
	}
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
