package rlm_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
	"headroom/internal/license"
)

const (
	serverPart = "rlm status on lic01 (port 5053), up 00:10:00\n" +
		"Recent Statistics (00:09:59), init time: Thu Jan  1 00:20:01 2026\n" +
		"--------- ISV servers ----------\n   Name           Port Running Restarts\nacme 51001 Yes 0\n\n"
	poolPart = "------------------------\nacme license pool status on lic01 (port 51001)\n" +
		"viewer v1.0, pool: 1\ncount: 3, # reservations: 0, inuse: 1, exp: permanent\n"
	usagePart = "------------------------\nacme license usage status on lic01 (port 51001)\n" +
		"viewer v1.0: jürgen@pc1 1/0 at 12/31 23:50  (handle: 41)\n"
	statusText = serverPart + poolPart + usagePart
)

func TestStatusReadsEveryEncoding(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(statusText)
	if err != nil {
		t.Fatal(err)
	}
	cp1252, err := charmap.Windows1252.NewEncoder().String(statusText)
	if err != nil {
		t.Fatal(err)
	}
	cp866, err := charmap.CodePage866.NewEncoder().String(strings.ReplaceAll(statusText, "jürgen", "юрий"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, in, page, user string }{
		{"UTF-8", statusText, "", "jürgen"},
		{"CRLF", strings.ReplaceAll(statusText, "\n", "\r\n"), "", "jürgen"},
		{"UTF-8 with mark", "\uFEFF" + statusText, "", "jürgen"},
		{"UTF-16", utf16, "", "jürgen"},
		{"windows-1252", cp1252, "", "jürgen"},
		{"given code page", cp866, "ibm866", "юрий"},
	}
	for _, tt := range tests {
		out := parseStatus(t, tt.in, facts.Options{CodePage: tt.page})
		if len(out.Servers) != 1 || out.Unread.Total != 0 || out.Servers[0].Snapshot.Holders[0].User != tt.user {
			t.Errorf("%s: %+v, want user %s", tt.name, out, tt.user)
		}
	}
}

func TestStatusErrorsAreOfTheReaderOnly(t *testing.T) {
	broken := errors.New("pipe is gone")
	out, err := rlm.ParseStatus(io.MultiReader(strings.NewReader(statusText), iotest.ErrReader(broken)), facts.Options{})
	if !errors.Is(err, broken) || len(out.Servers) != 1 {
		t.Errorf("error %v, %d servers; want %v and what was read", err, len(out.Servers), broken)
	}
	if _, err := rlm.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("a code page that does not exist is no error")
	}
	for _, in := range []string{"", "\n\n", "bash: rlmutil: No such file or directory\n", "rlmutil v16.0\n"} {
		out := parseStatus(t, in, facts.Options{})
		if out.Error == "" || len(out.Servers) != 0 {
			t.Errorf("%q: error %q, %d servers; want only an error", in, out.Error, len(out.Servers))
		}
	}
}

func TestFailuresAreTold(t *testing.T) {
	const refused = "Error connecting to \"acme\" server\n\nConnection attempted to host: \"lic01\" on port 51001\n\nConnection refused\n\n"
	const words = `Error connecting to "acme" server Connection attempted to host: "lic01" on port 51001 Connection refused`
	tests := []struct{ name, in, of, server, part string }{
		{"no server", refused, words, "", ""},
		{"vendor's server only", serverPart + refused, "", words, ""},
		{"one vendor of two", strings.Replace(statusText, "acme 51001 Yes 0\n", "acme 51001 Yes 0\nbirch 51002 Yes 0\n", 1) + refused, "", "", words},
		{"not running", strings.Replace(statusText, "Yes", "No", 1), "", "", "ISV server acme is not running"},
		{"said twice", statusText + refused + refused, "", "", words},
		{"error and next output", refused + "rlmutil v12.2\n" + statusText, "", "", ""},
		{"rlm alone", serverPart, "", "the status lists no licenses", ""},
	}
	for _, tt := range tests {
		out := parseStatus(t, tt.in, facts.Options{})
		var got facts.Status
		if len(out.Servers) > 0 {
			got = out.Servers[0]
		}
		if out.Error != tt.of || got.Error != tt.server || got.Partial != tt.part || out.Unread.Total != 0 {
			t.Errorf("%s: errors %q, %q, %q, unread %v; want %q, %q, %q, none", tt.name, out.Error, got.Error, got.Partial, out.Unread.First, tt.of, tt.server, tt.part)
		}
		if (got.Error != "" || got.Partial != "") && got.Snapshot.Complete {
			t.Errorf("%s: complete, although %q%q", tt.name, got.Error, got.Partial)
		}
	}
}

func TestStatusOfAFailedServerStandsBesideOthers(t *testing.T) {
	const failed = "Error connecting to \"rlm\" server\nConnection attempted to host: \"lic02\" on port 5054\nNo error\n"
	out := parseStatus(t, failed+statusText+failed, facts.Options{})
	if len(out.Servers) != 3 || out.Servers[0].Error != "" || out.Servers[2].Error == "" {
		t.Fatalf("%+v, want the good server and twice the other", out.Servers)
	}
	if want := (license.Server{Manager: "rlm", Hosts: []string{"lic02"}, Port: 5054}); !cmp.Equal(out.Servers[1].Server, want) {
		t.Errorf("failed server %+v, want %+v", out.Servers[1].Server, want)
	}
}

func TestSnapshotIsCompleteOnlyIfAllWasReached(t *testing.T) {
	tests := []struct {
		name, in string
		want     bool
	}{
		{"whole", statusText, true},
		{"ends before the usage", serverPart + poolPart, false},
		{"nothing in use", strings.Replace(serverPart+poolPart, "inuse: 1", "inuse: 0", 1), true},
		{"other vendor not reached", strings.Replace(statusText, "acme 51001 Yes 0\n", "acme 51001 Yes 0\nbirch 51002 Yes 0\n", 1), false},
		{"one vendor only", poolPart + usagePart, false},
		{"pool not read", strings.Replace(statusText, "viewer v1.0, pool: 1\n", "viewer v1.0, pool: 1\nviewer version two\n", 1), false},
		{"use of a pool that is not there", statusText + "cutter v1.0: ann@pc1 1/0 at 12/31 23:50  (handle: 81)\n", false},
		{"counters odd", strings.Replace(statusText, "Recent Statistics", "Recently Statistics", 1), true},
	}
	for _, tt := range tests {
		out := parseStatus(t, tt.in, facts.Options{})
		if len(out.Servers) != 1 || out.Servers[0].Snapshot.Complete != tt.want {
			t.Errorf("%s: %+v, want complete %t", tt.name, out.Servers, tt.want)
		}
	}
}

func TestCountsThatCannotBeReadAreUnknown(t *testing.T) {
	for _, line := range []string{
		"count: many, # reservations: 0, inuse: 1, exp: permanent", "count: 3, # reservations: 0, inuse: -1, exp: permanent",
		"count: 3, # reservations: 0, exp: permanent", "count: 99999999999999999999, inuse: 1", "",
	} {
		in := strings.Replace(statusText, "count: 3, # reservations: 0, inuse: 1, exp: permanent", line, 1)
		out := parseStatus(t, in, facts.Options{})
		r := out.Servers[0].Snapshot.Readings[0]
		if r.State != license.StateUnknown || r.Reason == "" || r.Installed.Known || r.InUse.Known || r.Reserved.Known {
			t.Errorf("%q: reading %+v, want unknown with a reason", line, r)
		}
		if unread := out.Unread.Total; (unread == 1) != (line != "") {
			t.Errorf("%q: %d lines unread", line, unread)
		}
	}
}

func TestUseMayExceedTheCount(t *testing.T) {
	out := parseStatus(t, strings.Replace(statusText, "inuse: 1", "inuse: 5", 1), facts.Options{})
	if r := out.Servers[0].Snapshot.Readings[0]; r.Installed != license.Of(3) || r.InUse != license.Of(5) {
		t.Errorf("in use %v of %v, want 5 of 3", r.InUse, r.Installed)
	}
}

func TestReservationsStandBesideTheCount(t *testing.T) {
	in := strings.NewReplacer("count: 3, # reservations: 0, inuse: 1", "count: 8, # reservations: 4, inuse: 3", "pc1 1/0 at", "pc1 6/3 at").Replace(statusText)
	s := parseStatus(t, in, facts.Options{}).Servers[0].Snapshot
	r := s.Readings[0]
	if r.Installed != license.Of(12) || r.InUse != license.Of(7) || r.Reserved != license.Of(1) || s.Holders[0].Licenses != 6 {
		t.Errorf("in use %v of %v with %v reserved, %d of a person; want 7 of 12 with 1 reserved, 6", r.InUse, r.Installed, r.Reserved, s.Holders[0].Licenses)
	}
}

func TestPoolsWithoutNumbersAreAdded(t *testing.T) {
	const (
		two       = "count: 2, # reservations: 0, inuse: 1, exp: permanent\n"
		unlimited = "count: unlimited, # reservations: 0, inuse: 5, exp: permanent\n"
		uncounted = "UNCOUNTED, inuse: 7\n"
		token     = "Token-based license\n"
		broken    = "count: many, inuse: 3\n"
	)
	tests := []struct {
		first, second string
		want          row
	}{
		{two, two, counted("viewer", "", 4, 2)},
		{two, unlimited, row{license.Pool{Feature: "viewer"}, license.StateUnlimited, license.Count{}, license.Of(6)}},
		{two, uncounted, counted("viewer", "", 2, 1)},
		{token, two, counted("viewer", "", 2, 1)},
		{token, uncounted, row{license.Pool{Feature: "viewer"}, license.StateUncounted, license.Count{}, license.Count{}}},
		{two, broken, row{license.Pool{Feature: "viewer"}, license.StateUnknown, license.Count{}, license.Count{}}},
		{broken, two, row{license.Pool{Feature: "viewer"}, license.StateUnknown, license.Count{}, license.Count{}}},
	}
	for _, tt := range tests {
		in := serverPart + "acme license pool status on lic01 (port 51001)\nviewer v1.0\n" + tt.first + "viewer v2.0\n" + tt.second
		out := parseStatus(t, in, facts.Options{})
		if len(out.Servers) != 1 || len(out.Servers[0].Terms) != 2 {
			t.Fatalf("%q and %q: %+v, want one server with two licenses", tt.first, tt.second, out)
		}
		wantRows(t, out.Servers[0], tt.want)
	}
}

func TestUnlimitedIsANumberOrAWord(t *testing.T) {
	for _, count := range []string{"unlimited", "2147483647"} {
		out := parseStatus(t, strings.Replace(statusText, "count: 3", "count: "+count, 1), facts.Options{})
		if r := out.Servers[0].Snapshot.Readings[0]; r.State != license.StateUnlimited || r.Installed.Known || r.InUse != license.Of(1) {
			t.Errorf("count %s: %+v, want unlimited with 1 in use", count, r)
		}
	}
}

func TestSinceHasTheYearOfTheStatus(t *testing.T) {
	tests := []struct {
		name, in string
		o        facts.Options
		want     time.Time
	}{
		{"over New Year", statusText, facts.Options{}, time.Date(2025, 12, 31, 23, 50, 0, 0, time.UTC)},
		{"zone", statusText, facts.Options{Zone: time.FixedZone("UTC+9", 9*3600)}, time.Date(2025, 12, 31, 14, 50, 0, 0, time.UTC)},
		{"no date", poolPart + usagePart, facts.Options{}, time.Time{}},
		{"date of the text", poolPart + usagePart, facts.Options{At: time.Date(2020, 7, 1, 0, 0, 0, 0, time.UTC)}, time.Date(2019, 12, 31, 23, 50, 0, 0, time.UTC)},
	}
	for _, tt := range tests {
		out := parseStatus(t, tt.in, tt.o)
		if got := out.Servers[0].Snapshot.Holders[0].Since; !got.Equal(tt.want) {
			t.Errorf("%s: since %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestOutputsOfSeveralServersStayApart(t *testing.T) {
	other := strings.NewReplacer("lic01", "lic02", "count: 3", "count: 7").Replace(statusText)
	for _, between := range []string{"", "rlmutil v12.2\n"} {
		out := parseStatus(t, statusText+between+other, facts.Options{})
		if len(out.Servers) != 2 {
			t.Fatalf("%d servers, want 2", len(out.Servers))
		}
		for i, want := range []license.Count{license.Of(3), license.Of(7)} {
			if got := out.Servers[i].Snapshot.Readings; len(got) != 1 || got[0].Installed != want {
				t.Errorf("server %d: %+v, want one pool of %v", i, got, want)
			}
		}
	}
}

// The lines of people never change what the pools say, and are never lost.
func TestEveryCheckoutFindsAPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pools, uses strings.Builder
		n := rapid.IntRange(1, 5).Draw(t, "pools")
		var want []license.Count
		for range n {
			inUse := rapid.Int64Range(0, 3).Draw(t, "in use")
			want = append(want, license.Of(inUse))
			version := rapid.SampledFrom([]string{"1.0", "2.0"}).Draw(t, "version")
			number := len(want)
			pools.WriteString("viewer v" + version + ", pool: " + string(rune('0'+number)) + "\n")
			pools.WriteString("count: 9, # reservations: 0, inuse: " + string(rune('0'+inUse)) + ", exp: permanent\n")
		}
		lines := rapid.IntRange(0, 12).Draw(t, "lines")
		for range lines {
			version := rapid.SampledFrom([]string{"1.0", "2.0", "3.0"}).Draw(t, "version of the checkout")
			uses.WriteString("viewer v" + version + ": ann@pc1 1/0 at 12/31 23:50  (handle: 41)\n")
		}
		out, err := rlm.ParseStatus(strings.NewReader(serverPart+
			"acme license pool status on lic01 (port 51001)\n"+pools.String()+
			"acme license usage status on lic01 (port 51001)\n"+uses.String()), facts.Options{})
		if err != nil || out.Unread.Total != 0 {
			t.Fatalf("error %v, unread %v", err, out.Unread.First)
		}
		s := out.Servers[0].Snapshot
		var got []license.Count
		var keys []license.Pool
		for _, r := range s.Readings {
			got, keys = append(got, r.InUse), append(keys, r.Pool)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in use %v, want %v", got, want)
		}
		if len(s.Holders) != lines {
			t.Fatalf("%d holders of %d lines", len(s.Holders), lines)
		}
		for _, h := range s.Holders {
			if !slices.Contains(keys, h.Pool) {
				t.Fatalf("holder of %v, which has no reading", h.Pool)
			}
		}
	})
}
