package hub_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/hubtest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// hostile are names that somebody gives himself to do something to whoever looks at
// them; each is made five times, with a number in it.
var hostile = []string{
	`<script>mark%d()</script>`, `"><img src=x onerror=mark%d()>`, `' onmouseover='mark%d()`, `</title><svg onload=mark%d()>`, `javascript:mark%d()//`,
	"mark%d\u202egpj.exe", "mark%d&lt;b&gt;\ufffd", "mark%d\ntime=2026-01-01T00:00:00Z level=ERROR msg=forged", `=mark%d+1`, `@mark%d(1)`, "\t=mark%d", strings.Repeat("x", 290) + `mark%d`,
}

// L-06, but for a browser and a mail: names of users and hosts go from an agent through
// the hub to pages and CSV, where they are text, and not into the log.
func TestHostileNamesAreText(t *testing.T) {
	var log safeBuffer
	h := hubtest.NewLogging(t, slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a := h.NewAgent("lic-1")
	r := a.Register()
	h.Approve(r.Code)
	a.Confirm(r.ID, h.Org.PublicID)
	at := time.Now().Add(-time.Minute)
	sent := &wire.Holders{At: at.Unix()}
	for n := range 5 * len(hostile) {
		name := fmt.Sprintf(hostile[n%len(hostile)], n)
		sent.Holders = append(sent.Holders, wire.Holder{PoolKey: wire.PoolKey{Feature: "feature"}, User: name, Host: name, Licenses: 1, How: license.HolderActive})
	}
	body, err := wire.EncodeBatch(wire.BatchHeader{Epoch: hubtest.Epoch, Seq: 2, Server: a.Servers[0].GUID, MadeAt: at.Unix(), Version: "test"}, sent)
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range [][]byte{a.Batch(1, at, int64(len(sent.Holders))), body} {
		if got := a.Put(uint64(i+1), body); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	sent.Holders[0].User = "mark\x00"
	body, err = wire.EncodeBatch(wire.BatchHeader{Epoch: hubtest.Epoch, Seq: 3, Server: a.Servers[0].GUID, MadeAt: at.Unix(), Version: "test"}, sent)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Put(3, body); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a name with a NUL: %d, want 422", got.Status)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.PostForm(h.URL()+"/login", url.Values{"email": {hubtest.Email}, "password": {hubtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, path := range []string{"/usage/feature", "/usage/feature/checkouts.csv", "/usage/feature?who=%3Cscript%3Emark1()%3C/script%3E"} {
		status, page := fetch(t, browser, h.URL()+path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		seen[path] = strings.Count(page, "mark")
		if !strings.Contains(path, ".csv") {
			for _, raw := range []string{"<script>mark", "<img src=x", `' onmouseover='mark`, "<svg onload", `href="javascript:`, "\x00"} {
				if strings.Contains(page, raw) {
					t.Errorf("%s has %q as it is", path, raw)
				}
			}
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(page)).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.Contains(cell, "mark") && strings.ContainsAny(cell[:1], "=+-@\t\r\n") || strings.ContainsAny(cell, "\x00\n") {
					t.Errorf("%s has the cell %q", path, cell)
				}
			}
		}
	}
	for path, n := range seen {
		if n < 12 {
			t.Errorf("%s shows %d of the names: this test does not see them", path, n)
		}
	}
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.Contains(line, "mark") {
			t.Errorf("the log has the line %q", line)
		}
	}
	t.Logf("L-06: %d names in %d pages and files, seen %v", len(sent.Holders), len(seen), seen)
}

// fetch asks for a page.
func fetch(t *testing.T, browser *http.Client, address string) (status int, text string) {
	t.Helper()
	resp, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}
