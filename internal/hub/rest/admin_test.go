package rest_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/rest"
)

// A clock is the hub's, ahead of the true one by so many nanoseconds.
type clock struct{ atomic.Int64 }

func (c *clock) hub(to *hub.Config) {
	to.Now = func() time.Time { return time.Now().Add(time.Duration(c.Load())) }
}

func (c *clock) add(d time.Duration) { c.Add(int64(d)) }

// Listed is a page of a list.
type listed[T any] struct {
	Items []T
	Total int
	Next  string
}

func (c client) wants(status int, method, path, body string, headers ...string) answer {
	c.t.Helper()
	got := c.do(method, path, body, headers...)
	if got.status != status {
		c.t.Fatalf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
	return got
}

// Members, invitations and tokens: what the console's settings do, over the API.
func TestProgramsDecideWhoIsAMember(t *testing.T) {
	c := newClient(t, account.Admin)
	var link rest.InvitationLink
	made := c.wants(http.StatusCreated, "POST", "/invitations", `{"email":"bo@example.com","role":"viewer"}`)
	if err := json.Unmarshal([]byte(made.body), &link); err != nil || !strings.HasPrefix(link.Link, c.hub.URL()+"/invite/") {
		t.Fatalf("%v %+v", err, link)
	}
	c.wants(http.StatusCreated, "POST", "/invitations", `{"email":"cy@example.com","role":"operator"}`)
	var invitations listed[rest.Invitation]
	c.get("/invitations").into(t, &invitations)
	if len(invitations.Items) != 2 || invitations.Items[0].Email != "cy@example.com" || invitations.Items[0].InvitedBy != "token test" {
		t.Fatalf("invitations %+v", invitations)
	}
	c.wants(http.StatusNoContent, "DELETE", "/invitations/2", "")
	c.wants(http.StatusNotFound, "DELETE", "/invitations/2", "")
	if _, err := c.hub.Accounts.Accept(t.Context(), link.Link[strings.LastIndex(link.Link, "/")+1:], "Bo", "four other violins play", ""); err != nil {
		t.Fatal(err)
	}
	c.wants(http.StatusNoContent, "PUT", "/members/2/role", `{"role":"operator"}`)
	c.wants(http.StatusConflict, "PUT", "/members/1/role", `{"role":"viewer"}`)
	c.wants(http.StatusUnprocessableEntity, "PUT", "/members/2/role", `{"role":"king"}`)
	var members listed[rest.Member]
	c.get("/members").into(t, &members)
	if len(members.Items) != 2 || members.Items[1].Email != "bo@example.com" || members.Items[1].Role != "operator" {
		t.Fatalf("members %+v", members)
	}
	c.wants(http.StatusNoContent, "DELETE", "/members/2", "")
	c.wants(http.StatusConflict, "DELETE", "/members/1", "")
}

// A token makes tokens, but none that outlives it, and none that may delete.
func TestATokenMakesNoneThatOutlivesIt(t *testing.T) {
	c := newClient(t, account.Admin)
	refused := c.wants(http.StatusForbidden, "POST", "/tokens", `{"name":"for ever","role":"admin","days":300}`)
	if !strings.Contains(refused.body, "outlives") {
		t.Error(refused.body)
	}
	long, err := c.hub.Accounts.MakeErasing(t.Context(), c.hub.Actor(), "long", 30)
	if err != nil {
		t.Fatal(err)
	}
	c.token = long
	var child rest.MadeToken
	made := c.wants(http.StatusCreated, "POST", "/tokens", `{"name":"child","role":"admin","days":20}`)
	if err := json.Unmarshal([]byte(made.body), &child); err != nil {
		t.Fatal(err)
	}
	var tokens listed[rest.APIToken]
	c.get("/tokens").into(t, &tokens)
	if len(tokens.Items) != 3 || tokens.Items[0].Name != "child" || tokens.Items[0].Erases != nil || tokens.Items[0].MadeBy != "token long" ||
		tokens.Items[1].Erases == nil || !tokens.Items[1].Self {
		t.Fatalf("tokens %+v", tokens)
	}
	kid := c
	kid.token = child.Token
	kid.wants(http.StatusOK, "GET", "/organisation", "")
	c.wants(http.StatusNoContent, "DELETE", "/tokens/3", "")
	kid.wants(http.StatusUnauthorized, "GET", "/organisation", "")
}

// Usage data are deleted with a token that was made for it, while that may, and under
// the license server's name.
func TestUsageDataAreDeletedWithATokenMadeForIt(t *testing.T) {
	var later clock
	c := newClientOf(t, hubtest.New(t, later.hub), account.Admin)
	a := c.reads("lic-a", 3, 9)
	path := "/servers/" + a.Servers[0].GUID + "/usage"
	if got := c.wants(http.StatusForbidden, "DELETE", path+"?name=lic-a", ""); !strings.Contains(got.body, "an administrator makes one") {
		t.Error(got.body)
	}
	var err error
	if c.token, err = c.hub.Accounts.MakeErasing(t.Context(), c.hub.Actor(), "cleaner", 30); err != nil {
		t.Fatal(err)
	}
	c.wants(http.StatusUnprocessableEntity, "DELETE", path, "")
	c.wants(http.StatusUnprocessableEntity, "DELETE", path+"?name=lic-b", "")
	c.wants(http.StatusNotFound, "DELETE", "/servers/nobody/usage?name=lic-a", "")
	c.wants(http.StatusNoContent, "DELETE", path+"?name=lic-a", "")
	var one rest.LicenseServer
	c.get("/servers/"+a.Servers[0].GUID).into(t, &one)
	if one.ErasedBefore == nil || one.LastReading != nil {
		t.Errorf("after the deletion: %+v", one)
	}
	later.add(account.ErasingTime)
	c.wants(http.StatusForbidden, "DELETE", path+"?name=lic-a", "")
	var log rest.AuditLog
	c.get("/audit?act=usage.delete").into(t, &log)
	if len(log.Items) != 1 || log.Items[0].By != "token cleaner" || log.Items[0].Subject != "lic-a" {
		t.Errorf("audit log %+v", log)
	}
}

// Settings are changed from what was read only, where If-Match says so.
func TestSettingsAreChangedFromWhatWasRead(t *testing.T) {
	c := newClient(t, account.Admin)
	first := c.wants(http.StatusOK, "GET", "/settings", "")
	tag := first.header.Get("ETag")
	c.wants(http.StatusNotModified, "GET", "/settings", "", "If-None-Match", `"other", W/`+tag)
	to := strings.Replace(first.body, `"reporting_hours":null`, `"reporting_hours":48`, 1)
	to = strings.Replace(to, "Example Corp", " New Name ", 1)
	changed := c.wants(http.StatusOK, "PUT", "/settings", to, "If-Match", tag)
	if !strings.Contains(changed.body, `"reporting_hours":48`) || !strings.Contains(changed.body, `"New Name"`) {
		t.Error(changed.body)
	}
	c.wants(http.StatusPreconditionFailed, "PUT", "/settings", first.body, "If-Match", tag)
	again := c.wants(http.StatusOK, "GET", "/settings", "")
	if again.body != changed.body || again.header.Get("ETag") != changed.header.Get("ETag") {
		t.Errorf("read again: %s %s, want %s %s", again.header.Get("ETag"), again.body, changed.header.Get("ETag"), changed.body)
	}
	short := strings.Replace(first.body, `"keep_days":null`, `"keep_days":90`, 1)
	if got := c.wants(http.StatusForbidden, "PUT", "/settings", short); !strings.Contains(got.body, "may delete") {
		t.Error(got.body)
	}
	eraser := c
	var err error
	if eraser.token, err = c.hub.Accounts.MakeErasing(t.Context(), c.hub.Actor(), "eraser", 1); err != nil {
		t.Fatal(err)
	}
	eraser.wants(http.StatusUnprocessableEntity, "PUT", "/settings", strings.Replace(short, "90", "9", 1))
	if got := eraser.wants(http.StatusOK, "PUT", "/settings", short); !strings.Contains(got.body, `"keep_days":90`) {
		t.Error(got.body)
	}
	c.wants(http.StatusUnprocessableEntity, "PUT", "/settings", strings.Replace(to, "Europe/Berlin", "Nowhere/Never", 1))
	c.wants(http.StatusOK, "PUT", "/settings", first.body)
}

// The audit log is read page by page, as rows, and up to a signed end.
func TestTheAuditLogIsReadWhole(t *testing.T) {
	c := newClient(t, account.Admin)
	c.reads("lic-a", 1)
	var seen []int64
	for cursor := ""; ; {
		var log rest.AuditLog
		c.get("/audit?limit=2&cursor="+cursor).into(t, &log)
		for _, e := range log.Items {
			seen = append(seen, e.Number)
		}
		if cursor = log.Next; cursor == "" {
			break
		}
	}
	for i, n := range seen {
		if n != int64(len(seen)-i) {
			t.Fatalf("numbers of entries %v", seen)
		}
	}
	var head rest.AuditHead
	c.get("/audit/head").into(t, &head)
	if head.Entries != int64(len(seen)) || head.Organisation != c.hub.Org.PublicID || head.Signature == "" {
		t.Errorf("head %+v after %d entries", head, len(seen))
	}
	got := c.do(http.MethodGet, "/audit?limit=2", "", "Accept", "text/csv")
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][2] != "act" || rows[1][2] != string(audit.Confirmed) ||
		!strings.Contains(got.header.Get("Link"), `cursor=`) || !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") {
		t.Errorf("%v %v %v", err, got.header, rows)
	}
}

// What comes from license servers is no formula in a spreadsheet, and a figure that is
// not known is an empty cell.
func TestRowsAreFitForSpreadsheets(t *testing.T) {
	c := newClient(t, account.Viewer)
	c.reads("=cmd()", 3)
	for path, want := range map[string]string{"/servers": "'=cmd()", "/products": ",100,", "/products/feature": ",3,", "/products/feature/trend": "peak.value"} {
		got := c.do(http.MethodGet, path, "", "Accept", "text/csv, */*")
		rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || len(rows) < 2 || !strings.Contains(got.body, want) || strings.Contains(got.body, "null") {
			t.Errorf("%s: %v %s, want rows with %s", path, err, got.body, want)
		}
	}
	if got := c.do(http.MethodGet, "/servers/nobody", "", "Accept", "text/csv"); got.status != http.StatusNotFound || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a refusal as rows: %d %s", got.status, got.header.Get("Content-Type"))
	}
}

// The whole way of a registration, yes, no and taken back, without the console.
func TestProgramsRegister(t *testing.T) {
	c := newClient(t, account.Operator)
	a := c.hub.NewAgent("lic-a")
	code := a.Register().Code
	var joining rest.Joining
	c.do(http.MethodPost, "/registrations/review", `{"code":"`+code+`"}`).into(t, &joining)
	if len(joining.Words) != 6 || len(joining.Servers) != 1 || joining.Servers[0].Name != "lic-a" {
		t.Fatalf("review %+v", joining)
	}
	c.wants(http.StatusNoContent, "POST", "/registrations", `{"code":"`+code+`"}`)
	var approvals listed[rest.Approval]
	c.get("/approvals").into(t, &approvals)
	if len(approvals.Items) != 1 || approvals.Items[0].State != "approved" {
		t.Fatalf("approvals %+v", approvals)
	}
	c.wants(http.StatusNoContent, "DELETE", "/approvals/"+approvals.Items[0].ID, "")
	no := c.hub.NewAgent("lic-b").Register().Code
	c.wants(http.StatusNoContent, "POST", "/registrations/refuse", `{"code":"`+no+`"}`)
	c.wants(http.StatusNotFound, "POST", "/registrations/review", `{"code":"`+no+`"}`)
	var pending listed[rest.PendingServer]
	c.get("/pending-servers").into(t, &pending)
	if pending.Items == nil {
		t.Error("license servers that wait are null, want a list")
	}
	c.wants(http.StatusNotFound, "POST", "/pending-servers/nobody/approve", "")
}

func TestSilenceIsAcknowledged(t *testing.T) {
	var later clock
	c := newClientOf(t, hubtest.New(t, later.hub), account.Admin)
	a := c.reads("lic-a", 1)
	path := "/servers/" + a.Servers[0].GUID + "/acknowledge"
	c.wants(http.StatusConflict, "POST", path, "")
	later.add(40 * 24 * time.Hour)
	var err error
	if c.token, err = c.hub.Accounts.MakeToken(t.Context(), c.hub.Actor(), "later", account.Admin, 1); err != nil {
		t.Fatal(err)
	}
	c.wants(http.StatusNoContent, "POST", path, "")
	c.wants(http.StatusNotFound, "POST", "/servers/nobody/acknowledge", "")
}

// T-01: every operation of the document, asked with a token of each role and with none.
func TestEveryOperationIsOpenToItsRoleOnly(t *testing.T) {
	h := newClient(t, account.Admin).hub
	var doc struct {
		Paths map[string]map[string]struct{ Description string }
	}
	newClientOf(t, h, account.Viewer).get("/openapi.json").into(t, &doc)
	needs, wild, asked := regexp.MustCompile(`^Needs the role ([a-z]+)\.`), regexp.MustCompile(`\{[a-z]+\}`), 0
	clients := map[account.Role]client{}
	for path, item := range doc.Paths {
		path = wild.ReplaceAllString(strings.TrimPrefix(path, rest.Prefix), "9")
		for method, op := range item {
			method, least := strings.ToUpper(method), needs.FindStringSubmatch(op.Description)
			if least == nil {
				t.Errorf("%s %s does not say who may ask", method, path)
				continue
			}
			nobody := client{t: t, hub: h}
			if got := nobody.do(method, path, ""); got.status != http.StatusUnauthorized {
				t.Errorf("%s %s without a token: %d, want 401", method, path, got.status)
			}
			for _, role := range []account.Role{account.Viewer, account.Operator, account.Admin} {
				if asked%120 < 3 { // a token may not ask as often
					clients[role] = newClientOf(t, h, role)
				}
				got := clients[role].do(method, path, "")
				if asked++; role.May(account.Role(least[1])) == (got.status == http.StatusForbidden && !strings.Contains(got.body, "may not delete")) || got.status >= 500 {
					t.Errorf("%s %s by %s: %d %s; it needs %s", method, path, role, got.status, got.body, least[1])
				}
			}
		}
	}
	if asked < 3*35 {
		t.Errorf("%d requests: this test does not see the operations", asked)
	}
	t.Logf("T-01: %d requests with tokens, each answered as its role may have it", asked)
}

// What a program says of the catalog counts for its next question, and what does not go
// together is refused.
func TestProgramsChangeTheCatalog(t *testing.T) {
	c := newClient(t, account.Admin)
	c.reads("lic-a", 3)
	c.wants(http.StatusNoContent, "PUT", "/catalog/feature", `{"name":"Drawing","model":"named user"}`)
	var products listed[rest.ProductUse]
	c.get("/products").into(t, &products)
	if len(products.Items) != 1 || products.Items[0].Name != "Drawing" || products.Items[0].Model != "named user" {
		t.Errorf("renamed: %+v", products)
	}
	c.wants(http.StatusNoContent, "PUT", "/catalog/feature", `{"into":"acme.suite"}`)
	var d rest.Details
	c.get("/products/acme.suite").into(t, &d)
	if d.Name != "suite" || *d.Peak.Value != 3 {
		t.Errorf("counted as another: %+v", d)
	}
	c.wants(http.StatusConflict, "PUT", "/catalog/acme.suite", `{"into":"acme.third"}`)
	c.wants(http.StatusConflict, "PUT", "/catalog/other", `{"into":"feature"}`)
	c.wants(http.StatusNoContent, "PUT", "/catalog/acme.suite", `{"hidden":true}`)
	c.get("/products").into(t, &products)
	if len(products.Items) != 0 {
		t.Errorf("a hidden product is listed: %+v", products)
	}
	var all listed[rest.CatalogEntry]
	c.get("/catalog").into(t, &all)
	if len(all.Items) != 2 || all.Items[0].Key != "feature" || all.Items[0].Said.Into != "acme.suite" || !all.Items[0].Counts.Hidden || all.Items[1].Servers != 0 {
		t.Errorf("catalog %+v", all)
	}
	for _, bad := range []string{`{}`, `{"into":"feature"}`, `{"into":"..."}`, `{"into":"acme.x","name":"y"}`, `{"model":"cheap"}`, `{"into":"citrix.CITRIX"}`} {
		c.wants(http.StatusUnprocessableEntity, "PUT", "/catalog/feature", bad)
	}
	c.wants(http.StatusNoContent, "DELETE", "/catalog/feature", "")
	c.wants(http.StatusNotFound, "DELETE", "/catalog/feature", "")
	c.get("/products").into(t, &products)
	if len(products.Items) != 1 || products.Items[0].Name != "feature" {
		t.Errorf("taken back: %+v", products)
	}
}
