package console_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/console"
	"headroom/internal/hub/erasure"
	"headroom/internal/hub/override"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/seal"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
	"headroom/internal/wire"
)

var now = time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC)

const (
	email    = "ada@example.com"
	password = "quince ladder ferry plum"
)

// estate answers for one organisation; any other one has nothing.
type estate struct {
	org      int64
	details  usage.Details
	activity usage.Activity
	held     *usage.Checkouts
	asked    *usage.Question
	silent   *bool // lic1 is
}

func (e estate) Checkouts(_ context.Context, org int64, q usage.Question) (usage.Checkouts, error) {
	if org != e.org || q.Product != e.details.Product.Key {
		return usage.Checkouts{}, fault.Errorf(fault.NotFound, "no such product")
	}
	return *e.held, nil
}

func (e estate) Dossier(ctx context.Context, org int64, q usage.Question) (out usage.Dossier, err error) {
	if out.Details, err = e.Details(ctx, org, q); err != nil {
		return out, err
	}
	out.Activity, out.Checkouts = e.activity, *e.held
	out.Denials, err = e.Denials(ctx, org, q)
	return out, err
}

func (e estate) Week(ctx context.Context, org int64, q usage.Question) (out usage.Week, err error) {
	out.Details, err = e.Details(ctx, org, q)
	out.Heat[time.Tuesday][10] = insight.Cell{Peak: insight.Peak{Known: true, Value: 45, At: now.Unix(), Coverage: insight.Coverage{Known: 90, Unknown: 10}}, P95: license.Of(40)}
	out.Heat[time.Sunday][3] = insight.Cell{Peak: insight.Peak{Known: true, Value: 2, At: now.Unix()}, P95: license.Of(1)}
	return out, err
}

func (e estate) Overview(_ context.Context, org int64) (usage.Overview, error) {
	if org != e.org {
		return usage.Overview{}, fmt.Errorf("asked for organisation %d, want %d", org, e.org)
	}
	return usage.Overview{
		At: now, Trust: usage.Trust{Reporting: 1, Total: 1, Oldest: now.Add(-time.Minute)},
		Cards: []usage.Card{{Product: e.details.Product, Now: e.details.Now, Risk: usage.RiskFine, Servers: 1}},
	}, nil
}

func (e estate) Details(_ context.Context, org int64, q usage.Question) (usage.Details, error) {
	if org != e.org || q.Product != e.details.Product.Key {
		return usage.Details{}, fault.Errorf(fault.NotFound, "no such product")
	}
	*e.asked = q
	return e.details, nil
}

func (e estate) Activity(_ context.Context, org int64, q usage.Question) (usage.Activity, error) {
	if org != e.org || q.Product != e.details.Product.Key {
		return usage.Activity{}, fault.Errorf(fault.NotFound, "no such product")
	}
	return e.activity, nil
}

func (e estate) Denials(_ context.Context, org int64, q usage.Question) (usage.Denials, error) {
	if org != e.org || q.Product != e.details.Product.Key {
		return usage.Denials{}, fault.Errorf(fault.NotFound, "no such product")
	}
	day := now.Truncate(24 * time.Hour)
	return usage.Denials{
		DenialCount: usage.DenialCount{True: 1, Refusals: 4},
		Rows: []usage.DenialRow{{
			Day: day, Server: "lic-b", Pool: license.Pool{Feature: "cad"}, User: "=cmd", Reason: "none left", DenialCount: usage.DenialCount{True: 1, Refusals: 4},
		}},
	}, nil
}

// lic1 is the license server of the agent that the tests register.
var lic1 = usage.Server{GUID: "22222222-2222-4222-8222-222222222222", Name: "lic-1", Status: usage.Reporting, LastReported: now.Add(-time.Hour), LastReading: now.Add(-time.Hour)}

func (e estate) Moment(ctx context.Context, org int64, q usage.Question, at time.Time) (usage.Moment, error) {
	d, err := e.Details(ctx, org, q)
	return usage.Moment{
		Product: d.Product, At: at, Sum: d.Peak, All: d.All, Trend: insight.Bucket{Peak: d.Peak, Least: license.Of(3)},
		Parts: []usage.MomentPart{{Server: e.details.All[0], Pools: []string{"cad@v"}, Then: d.Peak}, {Server: e.details.All[1]}},
	}, err
}

func (e estate) Profile(_ context.Context, org int64, guid string) (usage.Profile, error) {
	if org != e.org || guid != lic1.GUID {
		return usage.Profile{}, fault.Errorf(fault.NotFound, "no such license server")
	}
	return usage.Profile{
		Server:  lic1,
		Known:   usage.Known{From: now.AddDate(0, 0, -2).Truncate(24 * time.Hour), Days: []insight.Coverage{{Known: 86400}, {Known: 43200, Unknown: 43200}}},
		Pools:   []usage.PoolNow{{Product: e.details.Product, Pool: license.Pool{Feature: "=cad"}, At: now, InUse: license.Of(7), Installed: license.Of(10)}},
		Uploads: []usage.Upload{{Received: now, Seq: 41, Records: 12}},
		Gaps:    []usage.Gap{{From: now.Add(-3 * time.Hour), To: now.Add(-time.Hour), Reason: "the spool was full"}},
	}, nil
}

func (e estate) KnownDays(context.Context, int64) (map[string]usage.Known, error) {
	return map[string]usage.Known{lic1.GUID: {From: now.Truncate(24 * time.Hour), Days: []insight.Coverage{{Known: 1}}}}, nil
}

func (e estate) Servers(context.Context, int64) ([]usage.Server, error) {
	one := lic1
	if e.silent != nil && *e.silent {
		one.Status = usage.Silent
	}
	return append(slices.Clone(e.details.All), one), nil
}

func (e estate) Catalog(context.Context, int64) ([]usage.CatalogRow, error) {
	cad, draw := catalog.Of("acme", "cad"), catalog.Of("acme", "draw")
	return []usage.CatalogRow{{Known: cad, Counts: cad, Servers: 2}, {Known: draw, Counts: draw, Servers: 1}}, nil
}

// keys seal the secrets of these tests.
var keys = func() *seal.Keys {
	k, err := seal.ParseKeys(seal.NewKeyLine())
	if err != nil {
		panic(err)
	}
	return k
}()

// A house is a console over a real store, with a browser that looks at it.
type house struct {
	t         *testing.T
	db        *store.DB
	accounts  *account.Service
	registrar *registration.Registrar
	erasure   *erasure.Service
	silent    bool          // lic1 is
	later     time.Duration // by which the clock is ahead of now
	asked     usage.Question
	held      usage.Checkouts
	browser   *http.Client
	sso       sso
	url       string
}

func newHouse(t *testing.T) *house { return newHouseOf(t, sampleDetails(), usage.Activity{}) }

// newHouseOf is a house with a product of its own.
func newHouseOf(t *testing.T, d usage.Details, a usage.Activity) *house {
	t.Helper()
	h := &house{t: t, db: storetest.New(t)}
	clock := func() time.Time { return now.Add(h.later) }
	h.accounts = account.New(h.db, clock, keys)
	h.registrar = &registration.Registrar{
		Store: h.db, Now: clock, Rand: rand.Reader, CodeKey: []byte("key"), Words: wire.Words, Limits: registration.DefaultLimits,
	}
	h.erasure = erasure.New(h.db, clock, "")
	c, err := console.New(console.Config{
		Erasure:       h.erasure,
		Catalog:       &override.Service{Store: h.db, Now: clock},
		Usage:         estate{org: 1, details: d, activity: a, held: &h.held, asked: &h.asked, silent: &h.silent},
		Registrations: h.registrar, Accounts: h.accounts, Providers: &h.sso, Audit: h.db, Sessions: h.accounts.NewSessions(h.db.Sessions(clock), false),
		Now: clock, Log: slog.New(slog.DiscardHandler), HubURL: "https://hub.example", Version: "1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(c.Handler())
	t.Cleanup(srv.Close)
	h.url = srv.URL
	h.browser = h.newBrowser()
	return h
}

// newBrowser returns a browser without cookies that follows no redirects.
func (h *house) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// founded is a house whose organisation exists and whose browser is signed in
// as its administrator.
func founded(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.found()
	return h
}

// found makes the organisation and signs its administrator in.
func (h *house) found() {
	t := h.t
	t.Helper()
	token, _, err := h.accounts.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.post("/setup/"+token, url.Values{
		"organisation": {"Example AG"}, "zone": {"Europe/Berlin"}, "name": {"Ada"}, "email": {email}, "password": {password},
	}).wants(http.StatusSeeOther, "")
}

// An answer is what the browser got.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// csv reads the answer as a file.
func (a answer) csv() [][]string {
	a.t.Helper()
	a.wants(http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	if err != nil {
		a.t.Fatal(err)
	}
	return rows
}

func (h *house) do(req *http.Request) answer {
	h.t.Helper()
	res, err := h.browser.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		h.t.Fatal(err)
	}
	return answer{h.t, req.Method + " " + req.URL.Path, res.StatusCode, res.Header, string(body)}
}

func (h *house) request(method, path string, form url.Values) *http.Request {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return req
}

func (h *house) get(path string) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodGet, path, nil))
}

func (h *house) post(path string, form url.Values) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodPost, path, form))
}

// wants checks the status of an answer, and that it has each of the texts.
func (a answer) wants(status int, texts ...string) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %.400s", a.what, a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("%s: no %q in %s", a.what, text, a.body)
		}
	}
}

func TestSetUpWorksOnceAndSignsIn(t *testing.T) {
	h := newHouse(t)
	h.get("/setup/wrong").wants(http.StatusNotFound, "not valid any more")
	token, _, err := h.accounts.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.get("/setup/"+token).wants(http.StatusOK, "Set up this hub")
	form := url.Values{
		"organisation": {"Example <b>AG"}, "zone": {"Europe/Berlin"}, "name": {"Ada"}, "email": {email}, "password": {"short"},
	}
	bad := h.post("/setup/"+token, form)
	bad.wants(http.StatusUnprocessableEntity, "12 to 128", "Example &lt;b&gt;AG")
	if strings.Contains(bad.body, "short") {
		t.Error("the page repeats the password")
	}
	form.Set("password", password)
	good := h.post("/setup/"+token, form)
	good.wants(http.StatusSeeOther)
	h.get("/").wants(http.StatusOK, "Example &lt;b&gt;AG", "organisation is set up", "CET")
	if again := h.get("/"); strings.Contains(again.body, "organisation is set up") {
		t.Error("the note is told twice")
	}
	h.post("/setup/"+token, form).wants(http.StatusNotFound)
}

func TestSigningInAndOut(t *testing.T) {
	h := founded(t)
	h.browser = h.newBrowser()
	a := h.get("/servers?view=silent")
	a.wants(http.StatusSeeOther)
	if got, want := a.header.Get("Location"), "/login?next=%2Fservers%3Fview%3Dsilent"; got != want {
		t.Errorf("sent to %q, want %q", got, want)
	}
	h.get(a.header.Get("Location")).wants(http.StatusOK, `value="/servers?view=silent"`)
	h.post("/login", url.Values{"email": {email}, "password": {"wrong"}}).wants(http.StatusUnauthorized, "is wrong")

	before := h.browser.Jar.Cookies(h.request(http.MethodGet, "/", nil).URL)
	a = h.post("/login", url.Values{"email": {email}, "password": {password}, "next": {"/servers?view=silent"}})
	a.wants(http.StatusSeeOther)
	if got, want := a.header.Get("Location"), "/servers?view=silent"; got != want {
		t.Errorf("sent to %q, want %q", got, want)
	}
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %s", cookie, want)
		}
	}
	after := h.browser.Jar.Cookies(h.request(http.MethodGet, "/", nil).URL)
	if len(before) > 0 && before[0].Value == after[0].Value {
		t.Error("the session's token is the one from before signing in")
	}
	h.get("/login?next=/kit").wants(http.StatusSeeOther)
	h.get("/").wants(http.StatusOK)
	h.post("/logout", nil).wants(http.StatusSeeOther)
	h.get("/").wants(http.StatusSeeOther)
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	h := founded(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "evil", "/\t/evil.example"} {
		a := h.post("/login", url.Values{"email": {email}, "password": {password}, "next": {next}})
		a.wants(http.StatusSeeOther)
		if got := a.header.Get("Location"); got != "/" {
			t.Errorf("next=%q leads to %q, want /", next, got)
		}
	}
}

func TestTooManyAttemptsSayHowLongToWait(t *testing.T) {
	h := founded(t)
	var a answer
	for range 8 {
		a = h.post("/login", url.Values{"email": {email}, "password": {"wrong wrong wrong"}})
		if a.status == http.StatusTooManyRequests {
			break
		}
	}
	a.wants(http.StatusTooManyRequests, "Too many attempts", "Next attempt in")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	h := founded(t)
	for _, site := range []string{"cross-site", "same-site"} {
		req := h.request(http.MethodPost, "/logout", nil)
		req.Header.Set("Sec-Fetch-Site", site)
		h.do(req).wants(http.StatusForbidden, "another site")
	}
	h.get("/").wants(http.StatusOK)
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	h := founded(t)
	for _, path := range []string{"/", "/servers", "/bench", "/registrations", "/login", "/no/such/page", "/usage/no-such-product", "/ui/kit"} {
		a := h.get(path)
		if got := a.header.Get("Content-Security-Policy"); got != look.Policy {
			t.Errorf("%s: policy %q", path, got)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", path, got)
		}
	}
	h.get("/no/such/page").wants(http.StatusNotFound, "There is no such page")
	h.get("/usage/no-such-product").wants(http.StatusNotFound)
}

func TestNobodySeesAPageWithoutSigningIn(t *testing.T) {
	h := founded(t)
	h.browser = h.newBrowser()
	for _, path := range []string{
		"/", "/usage/cad", "/usage/cad/trend.csv", "/usage/cad/servers.csv", "/servers", "/bench", "/registrations", "/registrations/register", "/ui/kit",
	} {
		h.get(path).wants(http.StatusSeeOther)
	}
	for _, path := range []string{
		"/registrations/review", "/registrations/approve", "/registrations/refuse", "/registrations/x/withdraw",
		"/registrations/servers/x/approve", "/registrations/agents/1/remove", "/bench", "/bench/redacted",
	} {
		a := h.post(path, nil)
		a.wants(http.StatusSeeOther)
		if got := a.header.Get("Location"); got != "/login" {
			t.Errorf("POST %s leads to %q, want /login", path, got)
		}
	}
}

// ask asks for a code as an agent does.
func (h *house) ask(host string) (code, id, key string) {
	h.t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	issued, err := h.registrar.Request(h.t.Context(), registration.Request{
		KeyID: host, PublicKey: public, AgentGUID: "11111111-1111-4111-8111-111111111111", Host: host, Platform: "linux/amd64",
		Version: "1.0.0", Address: "192.0.2.9",
		Servers: []license.Server{{GUID: "22222222-2222-4222-8222-222222222222", Name: "lic-1", Hosts: []string{"lic-1"}, Manager: "flexnet"}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return issued.Code, issued.ID, host
}

func TestAnAgentIsReviewedApprovedConfirmedAndRemoved(t *testing.T) {
	h := founded(t)
	h.post("/registrations/review", url.Values{"code": {"AAAAA-AAAAA"}}).wants(http.StatusUnprocessableEntity, "does not work", "AAAAA-AAAAA")
	code, id, key := h.ask("cad-host")
	review := h.post("/registrations/review", url.Values{"code": {strings.ToLower(code)}})
	review.wants(http.StatusOK, "cad-host", "192.0.2.9", "lic-1", "FlexNet", "Example AG")
	h.post("/registrations/approve", url.Values{"code": {code}, "host": {"cad-host"}}).wants(http.StatusSeeOther)
	list := h.get("/registrations")
	list.wants(http.StatusOK, "cad-host is approved", "Waiting for the license server to confirm", email)

	progress, err := h.registrar.Poll(t.Context(), id, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.registrar.Confirm(t.Context(), id, key, progress.OrganisationID, true, "192.0.2.9"); err != nil {
		t.Fatal(err)
	}
	h.get("/registrations").wants(http.StatusOK, "cad-host", "Remove the registration of cad-host?")
	agents, err := h.registrar.List(t.Context(), 1)
	if err != nil || len(agents) != 1 {
		t.Fatalf("agents = %v, %v, want one", agents, err)
	}
	h.post(fmt.Sprintf("/registrations/agents/%d/remove", agents[0].ID), nil).wants(http.StatusSeeOther)
	h.get("/registrations").wants(http.StatusOK, "registration is removed", "1 removed")
	h.post("/registrations/agents/99/remove", nil).wants(http.StatusNotFound)
}

func TestARefusedCodeIsUsedUpAndAnApprovalCanBeWithdrawn(t *testing.T) {
	h := founded(t)
	code, _, _ := h.ask("one")
	h.post("/registrations/refuse", url.Values{"code": {code}}).wants(http.StatusSeeOther)
	h.post("/registrations/review", url.Values{"code": {code}}).wants(http.StatusUnprocessableEntity)
	code, id, _ := h.ask("two")
	h.post("/registrations/approve", url.Values{"code": {code}}).wants(http.StatusSeeOther)
	h.post("/registrations/"+id+"/withdraw", nil).wants(http.StatusSeeOther)
	h.get("/registrations").wants(http.StatusOK, "approval is withdrawn", "Refused")
}

// sampleDetails is a product that two license servers have.
func sampleDetails() usage.Details {
	servers := []usage.Server{
		{GUID: "a", Name: `=HYPERLINK("http://evil","x")`, Status: usage.Reporting, LastReported: now.Add(-time.Hour), LastReading: now.Add(-time.Hour)},
		{GUID: "b", Name: "lic-b", Status: usage.NotReporting, LastReported: now.Add(-100 * time.Hour)},
	}
	day := now.Add(-13 * time.Hour).Unix()
	peak := insight.Peak{Known: true, Value: 42, Low: 42, At: day + 3600, Installed: license.Of(50), Basis: license.BasisSampled, Coverage: insight.Coverage{Known: 3, Unknown: 1}}
	in := usage.Now{InUse: license.Of(1234), Installed: license.Of(2000), Counted: 1, LeftOut: []string{"lic-b"}}
	return usage.Details{
		At: now, Product: catalog.Product{Key: "cad/x y", Name: "CAD Pro", Model: catalog.Concurrent}, Now: in, Peak: peak,
		Trend: []insight.Bucket{
			{Span: insight.Span{From: day - 86400, To: day}, Peak: insight.Peak{Coverage: insight.Coverage{Unknown: 86400}}, Mean: math.NaN()},
			{Span: insight.Span{From: day, To: day + 86400}, Peak: peak, Mean: 20.5, P95: license.Of(39), Installed: license.Of(50)},
		},
		Servers: []usage.ServerUse{{Server: servers[0], Pools: []string{"cad@v"}, Now: in, Peak: peak, Share: license.Of(42), With: "lic-<b>"}},
		All:     servers,
		Changes: []usage.Change{{At: time.Unix(day+7200, 0), Server: "lic-<b>", Before: []string{"Old <edition>"}, After: []string{"CAD Pro"}}},
	}
}

func TestUsageLinksToItsDetails(t *testing.T) {
	h := founded(t)
	h.get("/").wants(http.StatusOK, "1\u202f234", "/usage/cad%2Fx%20y", "without lic-b")
	h.get("/usage/cad%2Fx%20y").wants(http.StatusOK, "CAD Pro", "lic-b", "24 Nov 2026",
		"its licenses count once, with those of lic-&lt;b&gt;", `class="turn"`,
		"lic-&lt;b&gt; changed to the License Activation Service: Old &lt;edition&gt; before, CAD Pro since. That is a change of editions, not of use.",
		`<td class="num" data-value="39">39</td>`, `<td class="num" data-value=""><span class="unknown"`)
}

func TestTheAddressSaysWhatIsShown(t *testing.T) {
	h := founded(t)
	h.get("/usage/cad%2Fx%20y?span=7&server=a&server=b").wants(http.StatusOK)
	if want := []string{"a", "b"}; !slices.Equal(h.asked.Servers, want) {
		t.Errorf("asked for servers %v, want %v", h.asked.Servers, want)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 18, 0, 0, 0, 0, zone); !h.asked.From.Equal(want) || h.asked.Step != usage.ByDay {
		t.Errorf("asked from %v by %s, want %v by day", h.asked.From, h.asked.Step, want)
	}
	h.get("/usage/cad%2Fx%20y?span=all").wants(http.StatusOK)
	if !h.asked.From.IsZero() || h.asked.Step != usage.ByMonth {
		t.Errorf("asked from %v by %s, want all by month", h.asked.From, h.asked.Step)
	}
	h.get("/usage/cad%2Fx%20y?span=400&step=month&server=a").wants(http.StatusOK,
		`href="/usage/cad%2Fx%20y/trend.csv?server=a&amp;span=400&amp;step=month"`, "1 of 2 license servers")
	h.get("/usage/cad%2Fx%20y?span=12").wants(http.StatusUnprocessableEntity, "choose 7, 31, 90 or 400")
	h.get("/usage/cad%2Fx%20y?span=7&step=year").wants(http.StatusUnprocessableEntity, "cannot be shown")
}

func TestFilesAreSafeInASpreadsheet(t *testing.T) {
	h := founded(t)
	a := h.get("/usage/cad%2Fx%20y/servers.csv")
	a.wants(http.StatusOK)
	if got, want := a.header.Get("Content-Disposition"), `attachment; filename="headroom-cad-pro-servers-2026-11-24.csv"`; got != want {
		t.Errorf("Content-Disposition %s, want %s", got, want)
	}
	rows := a.csv()
	if got, want := rows[1][0], `'=HYPERLINK("http://evil","x")`; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if got, want := rows[1][5], "1234"; got != want {
		t.Errorf("in use %q, want %q", got, want)
	}
	a = h.get("/usage/cad%2Fx%20y/trend.csv")
	a.wants(http.StatusOK)
	rows = a.csv()
	if got := rows[1][3]; got != "" {
		t.Errorf("highest of an unknown day is %q, want an empty cell", got)
	}
	if got, want := strings.Join(rows[0][11:], " "), "highest_at_least 95_percent_of_the_time_at_most imported"; got != want {
		t.Errorf("last columns %q, want %q", got, want)
	}
	if got := rows[1][11] + rows[1][12]; got != "" {
		t.Errorf("bounds of an unknown day are %q, want empty cells", got)
	}
	if got, want := rows[2][11]+" "+rows[2][12], "42 39"; got != want {
		t.Errorf("bounds of the known day are %q, want %q", got, want)
	}
	if got, want := rows[2][3]+" "+rows[2][4], "42 2026-11-24T02:05:00+01:00"; got != want {
		t.Errorf("highest of the known day is %q, want %q", got, want)
	}
}

func TestDenialsAreShownWithTheirRule(t *testing.T) {
	h := founded(t)
	h.get("/usage/cad%2Fx%20y").wants(http.StatusOK, "1 denial in the span shown: 1 true, 0 false. 4 refusals in all.", "none left", "within 5 minutes",
		"/usage/cad%2Fx%20y/denials.csv")
	a := h.get("/usage/cad%2Fx%20y/denials.csv")
	a.wants(http.StatusOK, "2026-11-24,lic-b,cad,'=cmd,none left,1,0,0,4")
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	h := founded(t)
	h.post("/registrations/review", url.Values{"code": {strings.Repeat("A", 100_000)}}).wants(http.StatusRequestEntityTooLarge, "64 KiB")
}

// assignedHouse has a user/device product.
func assignedHouse(t *testing.T) *house {
	d := sampleDetails()
	d.Product.Model = catalog.UserDevice
	user := func(name string, last time.Time) usage.Assigned {
		a := usage.Assigned{Server: d.All[0], LastIs: license.LastRequest, Lease: 90 * 24 * time.Hour}
		a.Kind, a.Name, a.Who, a.Seen, a.Last = license.AssignedUser, name, license.FoldName(name), now.AddDate(0, 0, -40), last
		return a
	}
	gone := user("gone", now.AddDate(0, 0, -200))
	gone.Ended = now.AddDate(0, 0, -110)
	h := newHouseOf(t, d, usage.Activity{
		At: now, Users: 2, People: usage.Between{Low: 2, High: 2}, Lists: []usage.List{{Server: d.All[0], At: now.Add(-time.Hour), Truncated: true}},
		Rows: []usage.Assigned{user("Anna", now.AddDate(0, 0, -10)), user("=bob", time.Time{}), gone},
	})
	h.found()
	return h
}

func TestActivityShowsWhoHasALicense(t *testing.T) {
	h := assignedHouse(t)
	a := h.get("/usage/cad%2Fx%20y?span=31")
	a.wants(http.StatusOK, "License activity", "2 users and 0 devices", "Last license request", "Anna", "14 Nov 2026", "12 Feb 2027", "since",
		"and no login", "Names without domains on", `<input type="hidden" name="span" value="31">`, "/activity.csv?span=31")
	a = h.get("/usage/cad%2Fx%20y?who=ANN")
	a.wants(http.StatusOK, "Anna", `value="ANN"`, "/activity.csv?who=ANN")
	if strings.Contains(a.body, "gone") {
		t.Error("a search for one name shows another")
	}
	h.get("/usage/cad%2Fx%20y?who=nobody").wants(http.StatusOK, "Nobody is called so.")
	if a := founded(t).get("/usage/cad%2Fx%20y"); strings.Contains(a.body, "License activity") {
		t.Error("licenses of a concurrent product are assigned to nobody, and shown")
	}
}

func TestActivityIsAFile(t *testing.T) {
	h := assignedHouse(t)
	a := h.get("/usage/cad%2Fx%20y/activity.csv")
	a.wants(http.StatusOK)
	rows := a.csv()
	want := [][]string{
		{"name", "kind", "license_server", "first_assigned", "first_seen", "last", "last_is", "lease_until_at_least", "free_since"},
		{"Anna", "user", `'=HYPERLINK("http://evil","x")`, "", "2026-10-15T15:05:00+02:00", "2026-11-14T14:05:00+01:00", "request", "2027-02-12T14:05:00+01:00", ""},
		{"'=bob", "user", `'=HYPERLINK("http://evil","x")`, "", "2026-10-15T15:05:00+02:00", "", "request", "", ""},
		{"gone", "user", `'=HYPERLINK("http://evil","x")`, "", "2026-10-15T15:05:00+02:00", "2026-05-08T15:05:00+02:00", "request", "", "2026-08-06T15:05:00+02:00"},
	}
	for i := range want {
		if i >= len(rows) || !slices.Equal(rows[i], want[i]) {
			t.Errorf("row %d: %q, want %q", i, rows[min(i, len(rows)-1)], want[i])
		}
	}
}

func TestANumberIsExplained(t *testing.T) {
	h := founded(t)
	product := "/usage/" + url.PathEscape("cad/x y")
	h.get(product).wants(http.StatusOK, product+"/at?at=")
	h.get(product+"/at?at=1795500000&server=b").wants(http.StatusOK, "Explain this number", "42", "1 license server was unknown at this second", "It is sampled", "cad@v", "lic-b",
		product+"?server=b")
	for _, at := range []string{"", "x", "-1", "9999999999"} {
		h.get(product + "/at?at=" + at).wants(http.StatusUnprocessableEntity)
	}
	h.get("/usage/nothing/at?at=1795500000").wants(http.StatusNotFound)
}

func TestWeekShowsEachHour(t *testing.T) {
	h := founded(t)
	product := "/usage/" + url.PathEscape("cad/x y")
	page := h.get(product + "/week?span=31&server=b")
	page.wants(http.StatusOK, "The highest hour is Tuesday, 10:00 to 11:00, with 45 in use.", `class="heat-7"`, `class="heat-0"`, "known 90", "/week.csv?server=b&amp;span=31", "figure=p95", "CET")
	if n := strings.Count(page.body, `class="heat-none"`); n != 7*24-2+1 { // and one in the legend
		t.Errorf("%d cells of which nothing is known, want %d", n-1, 7*24-2)
	}
	h.get(product+"/week?figure=p95").wants(http.StatusOK, "with 40 in use", "did not exceed")
	h.get(product + "/week?figure=mean").wants(http.StatusUnprocessableEntity)
	h.get(product + "/week?span=5").wants(http.StatusUnprocessableEntity)
	h.get("/usage/nothing/week").wants(http.StatusNotFound)
	rows := h.get(product + "/week.csv").csv()
	if len(rows) != 1+7*24 || rows[1][0] != "Monday" || rows[1][2] != "" || !slices.Equal(rows[1+24+10], []string{"Tuesday", "10", "45", "2026-11-24T14:05:00+01:00", "40", "90.00"}) {
		t.Errorf("%d rows, the first %v, that of the highest hour %v", len(rows), rows[1], rows[1+24+10])
	}
	h.get(product).wants(http.StatusOK, product+"/week")
}
