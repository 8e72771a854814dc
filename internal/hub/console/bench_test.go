package console_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// benchText is an output of LM-X, of which a rule knows all but one line.
const benchText = `LM-X End-user Utility v3.32

LM-X License Server on 6200@lic7.example.com:

Server version: v5.1 Uptime: 3 day(s) 12 hour(s) 0 min(s) 51 sec(s)
----------------------------------------
Feature: BEND Version: 2.0 Vendor: ACME
Start date: 2026-01-01 Expire date: 2026-12-31
Key type: EXCLUSIVE License sharing: NONE

5 of 10 license(s) used:

5 license(s) used by mira@ws12 [192.0.2.7]
Login time: 2026-03-02 08:00   Checkout time: 2026-03-02 08:01
nobody knows <b>this</b> line
`

func TestTheBenchShowsWhatIsUnderstoodOfAText(t *testing.T) {
	h := founded(t)
	h.get("/servers").wants(http.StatusOK, `href="/bench"`)
	h.get("/bench").wants(http.StatusOK, `value="Europe/Berlin"`, `<option value="rlm-report-log">`)
	h.post("/bench", url.Values{"text": {benchText}, "zone": {"Europe/Berlin"}}).wants(http.StatusOK, "lmx-status", "BEND", "mira", "ws12", "31 Dec 2026")
	a := h.post("/bench", url.Values{"text": {benchText}, "zone": {"Europe/Berlin"}, "view": {"all:1"}})
	a.wants(http.StatusOK, "5 license(s) used by mira@ws12", "nobody knows &lt;b&gt;this&lt;/b&gt; line", "not read")
	if strings.Contains(a.body, "<b>this") {
		t.Error("a line became markup")
	}
	unread := h.post("/bench", url.Values{"text": {benchText}, "zone": {"UTC"}, "view": {"unread:1"}})
	unread.wants(http.StatusOK, "1 to 1 of 1", "nobody knows")
}

func TestTheBenchReadsAsItIsTold(t *testing.T) {
	h := founded(t)
	h.post("/bench", url.Values{"text": {benchText}, "zone": {"UTC"}, "format": {"rlm-log"}}).wants(http.StatusOK, `<h2 id="bench-result">rlm-log`)
	h.post("/bench", url.Values{"text": {"Dear all"}, "zone": {"UTC"}}).wants(http.StatusOK, "Not recognised", "choose it above")
	for name, form := range map[string]url.Values{
		"a zone that does not exist": {"text": {benchText}, "zone": {"Mars/Olympus"}},
		"a zone of the machine":      {"text": {benchText}, "zone": {"Local"}},
		"a path for a zone":          {"text": {benchText}, "zone": {"../../etc/passwd"}},
		"an unknown format":          {"text": {benchText}, "zone": {"UTC"}, "format": {"tea-leaves"}},
		"no text":                    {"zone": {"UTC"}},
		"a kept file that is broken": {"zone": {"UTC"}, "kept": {"%%%"}},
	} {
		a := h.post("/bench", form)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("%s: status %d, want 422 and a reason: %.300s", name, a.status, a.body)
		}
	}
}

// upload posts a file to the bench.
func (h *house) upload(path, name string, file []byte, fields map[string]string) answer {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for k, v := range fields {
		if err := form.WriteField(k, v); err != nil {
			h.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, &body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return h.do(req)
}

var keptField = regexp.MustCompile(`name="kept" value="([^"]*)"`)

// A file goes on from page to page without being sent again, as it is.
func TestTheBenchTurnsThePagesOfAFile(t *testing.T) {
	h := founded(t)
	var log strings.Builder
	log.WriteString("05/11 08:00 (mech) RLM License Server Version 12.2\n")
	for i := range 450 {
		fmt.Fprintf(&log, "05/11 %02d:%02d (mech) OUT: gear v1.0 by j\xfcrgen%d@pc%d\n", 8+i/60, i%60, i, i)
	}
	first := h.upload("/bench", `<i>mech.log`, []byte(log.String()), map[string]string{"zone": "UTC", "view": "all:1"})
	first.wants(http.StatusOK, "rlm-log", "1 to 100 of 451", "jürgen0", "&lt;i&gt;mech.log")
	kept := keptField.FindStringSubmatch(first.body)
	if kept == nil {
		t.Fatal("the file is not kept in the page")
	}
	form := url.Values{"kept": {strings.ReplaceAll(kept[1], "&#43;", "+")}, "kept-name": {"mech.log"}, "zone": {"UTC"}, "view": {"all:5"}}
	last := h.post("/bench", form)
	last.wants(http.StatusOK, "401 to 451 of 451", "jürgen449", `value="all:4"`)
	if strings.Contains(last.body, `value="all:6"`) {
		t.Error("there is a page behind the last one")
	}
	form.Set("view", "all:99")
	h.post("/bench", form).wants(http.StatusOK, "No such line")

	redacted := h.post("/bench/redacted", form)
	redacted.wants(http.StatusOK)
	if strings.Contains(redacted.body, "rgen4") || len(redacted.body) != log.Len() || !strings.Contains(redacted.body, "OUT: gear v1.0 by ") {
		t.Errorf("the redacted file has %d bytes, want %d without names: %.200s", len(redacted.body), log.Len(), redacted.body)
	}
	if got := redacted.header.Get("Content-Disposition"); got != `attachment; filename="redacted.txt"` {
		t.Errorf("Content-Disposition %q", got)
	}
}

func TestTheBenchRedacts(t *testing.T) {
	h := founded(t)
	form := url.Values{"text": {benchText}, "zone": {"UTC"}, "view": {"redacted:1"}}
	a := h.post("/bench", form)
	a.wants(http.StatusOK, "license(s) used by ", "reads the same")
	lines := a.body[strings.Index(a.body, `class="table stack bench-lines"`):]
	for _, name := range []string{"mira", "ws12", "lic7", "192.0.2.7"} {
		if strings.Contains(lines, name) {
			t.Errorf("%q stands in the redacted lines", name)
		}
	}
	form.Set("text", "Dear Mira")
	h.post("/bench", form).wants(http.StatusOK, "nobody knows where names stand")
	h.post("/bench/redacted", form).wants(http.StatusUnprocessableEntity, "nobody knows where names stand")
}

func TestWhatIsTooLargeForTheBenchIsNotRead(t *testing.T) {
	h := founded(t)
	h.upload("/bench", "log", make([]byte, 4<<20+1), map[string]string{"zone": "UTC"}).wants(http.StatusUnprocessableEntity, "more than 4 MiB")
	h.upload("/bench", "log", make([]byte, 12<<20), map[string]string{"zone": "UTC"}).wants(http.StatusRequestEntityTooLarge, "larger than what may be sent")
}
