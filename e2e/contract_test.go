//go:build contract

// The validator takes minutes to compile: make test-long has the tag, make test has not.

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// A contract is a proxy before a hub that holds every request and answer of the REST API
// against the document that the hub serves.
type contract struct {
	url  string
	held func() (operations, requests int, broken []string)
}

// apiPrefix is where the operations of the document are. What is below it and stands in
// no document is let through.
const apiPrefix = "/api/v1/"

var undocumented = []string{"docs", "openapi", "metrics"}

// newContract starts a contract before a hub.
func newContract(hub string) (*contract, error) {
	to, err := url.Parse(hub)
	if err != nil {
		return nil, err
	}
	held, err := documentOf(hub)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var broken []string
	seen, requests := map[string]bool{}, 0
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		broken = append(broken, fmt.Sprintf(format, args...))
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // the hub tells its own pages from others' by it
		},
		ModifyResponse: func(resp *http.Response) error {
			r := resp.Request
			if !documented(r.URL.Path) {
				return nil
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			copied := *resp
			copied.Body = io.NopCloser(bytes.NewReader(body))
			if r.Method == http.MethodGet && resp.StatusCode == http.StatusNotModified {
				return nil
			}
			if resp.StatusCode >= http.StatusInternalServerError {
				note("%s %s: %d %s", r.Method, r.URL, resp.StatusCode, body)
			}
			ok, wrong := held.ValidateHttpResponse(r, &copied)
			mu.Lock()
			requests++
			seen[r.Method+" "+r.URL.Path] = true
			mu.Unlock()
			if !ok && resp.StatusCode != http.StatusNotFound { // no operation: the document cannot say what is answered
				for _, e := range wrong {
					note("%s %s: %d: %s: %s", r.Method, r.URL, resp.StatusCode, e.Message, e.Reason)
				}
			}
			return nil
		},
	}
	srv := httptest.NewServer(proxy)
	ends = append(ends, func() error { srv.Close(); return nil })
	return &contract{url: srv.URL, held: func() (int, int, []string) {
		mu.Lock()
		defer mu.Unlock()
		return len(seen), requests, broken
	}}, nil
}

func documented(path string) bool {
	rest, ok := strings.CutPrefix(path, apiPrefix)
	if !ok {
		return false
	}
	for _, word := range undocumented {
		if strings.HasPrefix(rest, word) {
			return false
		}
	}
	return true
}

// documentOf reads the document that a hub serves.
func documentOf(hub string) (validator.Validator, error) {
	resp, err := http.Get(hub + apiPrefix + "openapi.json")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	held, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	if ok, wrong := held.ValidateDocument(); !ok {
		return nil, fmt.Errorf("the document itself is wrong: %v", wrong[0])
	}
	return held, nil
}

// C-03: the demo's API through a proxy that holds every request and answer against the
// document that the hub serves: what programs do, and what nobody would.
func TestTheAPIKeepsItsDocument(t *testing.T) {
	home := ready(t, demo)
	c, err := newContract(home)
	if err != nil {
		t.Fatal(err)
	}
	p := asker{t: t, home: home, url: c.url + "/api/v1", wait: time.NewTicker(110 * time.Millisecond)} // a token may not ask more often
	defer p.wait.Stop()
	p.token = tokenOf(t, home, "admin")
	var servers struct{ Items []struct{ GUID string } }
	var products struct{ Items []struct{ Key string } }
	p.into("/servers", &servers)
	p.into("/products", &products)
	real := map[string]string{"guid": servers.Items[0].GUID, "product": products.Items[0].Key, "id": "1", "key": products.Items[1].Key}
	operations := operationsOf(t, home)
	for _, op := range operations {
		if op.method == http.MethodGet {
			p.do(op.method, wild.ReplaceAllStringFunc(op.path, func(name string) string { return url.PathEscape(real[strings.Trim(name, "{}")]) }), "")
		}
	}
	for _, product := range products.Items {
		for _, of := range []string{"?explain=1", "/trend?step=month", "/checkouts", "/assignments", "/denials"} {
			p.do("GET", "/products/"+url.PathEscape(product.Key)+of, "")
		}
	}
	settings := p.do("GET", "/settings", "")
	p.do("PUT", "/settings", settings)
	p.do("PUT", "/catalog/"+url.PathEscape(real["key"]), `{"name":"Renamed"}`)
	p.do("GET", "/catalog", "")
	p.do("DELETE", "/catalog/"+url.PathEscape(real["key"]), "")
	p.do("POST", "/invitations", `{"email":"contract@example.com","role":"viewer"}`)
	p.do("GET", "/invitations", "")
	p.do("POST", "/tokens", `{"name":"child","role":"viewer","days":1}`)
	p.do("POST", "/servers/"+real["guid"]+"/update", "")
	p.do("DELETE", "/servers/"+real["guid"]+"/usage?name=other", "")
	p.do("POST", "/registrations", `{"code":"AAAAA-AAAAA"}`)
	r := rand.New(rand.NewPCG(1, 3))
	words := []string{"0", "-1", "x", "99999999999999999999", "day", real["guid"], "%00", "2026-11-01T00:00:00Z", strings.Repeat("z", 400), "true"}
	for range 100 {
		op := operations[r.IntN(len(operations))]
		path := wild.ReplaceAllStringFunc(op.path, func(string) string { return url.PathEscape(words[r.IntN(len(words))] + "x") })
		p.do(op.method, path+"?limit="+url.QueryEscape(words[r.IntN(len(words))]), "")
	}
	paths, requests, broken := c.held()
	for _, b := range broken {
		t.Error(b)
	}
	if requests < 200 {
		t.Errorf("%d requests: this test does not see them", requests)
	}
	t.Logf("C-03: %d requests to %d addresses of %d operations, 0 violations", requests, paths, len(operations))
}

var wild = regexp.MustCompile(`\{[a-z]+\}`)

type operation struct{ method, path string }

// operationsOf lists the operations of the document.
func operationsOf(t *testing.T, hub string) (all []operation) {
	t.Helper()
	resp, err := http.Get(hub + apiPrefix + "openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct{ Paths map[string]map[string]any }
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			all = append(all, operation{strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1")})
		}
	}
	return all
}

// An asker is a program that asks the API.
type asker struct {
	t         *testing.T
	home, url string
	token     string
	wait      *time.Ticker
}

func (p asker) do(method, path, body string) string {
	p.t.Helper()
	<-p.wait.C
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p asker) into(path string, v any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.do("GET", path, "")), v); err != nil {
		p.t.Fatal(err)
	}
}
