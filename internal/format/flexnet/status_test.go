package flexnet_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

const juergen = beforeUser + "    jürgen ws1 ws1 (v1) (host1/27000 1), start Fri 10/20 8:00\n"

func TestStatusReadsEveryEncoding(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(juergen)
	if err != nil {
		t.Fatal(err)
	}
	cp1252, err := charmap.Windows1252.NewEncoder().String(juergen)
	if err != nil {
		t.Fatal(err)
	}
	cp866, err := charmap.CodePage866.NewEncoder().String(strings.ReplaceAll(juergen, "jürgen", "юрий"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, in, page, user string }{
		{"UTF-8", juergen, "", "jürgen"},
		{"CRLF", strings.ReplaceAll(juergen, "\n", "\r\n"), "", "jürgen"},
		{"CR", strings.ReplaceAll(juergen, "\n", "\r"), "", "jürgen"},
		{"UTF-8 with mark", "\uFEFF" + juergen, "", "jürgen"},
		{"UTF-16", utf16, "", "jürgen"},
		{"windows-1252", cp1252, "", "jürgen"},
		{"given code page", cp866, "ibm866", "юрий"},
	}
	for _, tt := range tests {
		s := parseStatus(t, []byte(tt.in), flexnet.StatusOptions{CodePage: tt.page})
		if len(s.Sections) != 1 || s.UnreadTotal != 0 || s.Sections[0].Features[0].Checkouts[0].User != tt.user {
			t.Errorf("%s: %+v, want user %s", tt.name, s, tt.user)
		}
	}
}

func TestStatusErrorsAreOfTheReaderOnly(t *testing.T) {
	broken := errors.New("pipe is gone")
	s, err := flexnet.ParseStatus(io.MultiReader(strings.NewReader(beforeUser), iotest.ErrReader(broken)), flexnet.StatusOptions{})
	if !errors.Is(err, broken) || len(s.Sections) != 1 {
		t.Errorf("error %v, %d sections; want %v and what was read", err, len(s.Sections), broken)
	}
	if _, err := flexnet.ParseStatus(strings.NewReader(""), flexnet.StatusOptions{CodePage: "klingon"}); err == nil {
		t.Error("a code page that does not exist is no error")
	}
	for _, in := range []string{"", "\n\n", "bash: lmutil: No such file or directory\n"} {
		s, err := flexnet.ParseStatus(strings.NewReader(in), flexnet.StatusOptions{})
		if err != nil || s.Error == "" || len(s.Sections) != 0 {
			t.Errorf("%q: error %v, Status.Error %q, %d sections; want only Status.Error", in, err, s.Error, len(s.Sections))
		}
	}
}

func TestTimesAreOfTheZoneGiven(t *testing.T) {
	zone := time.FixedZone("UTC+9", 9*3600)
	s := parseStatus(t, []byte(juergen), flexnet.StatusOptions{Zone: zone})
	if want := time.Date(2017, 10, 20, 8, 2, 0, 0, time.UTC); !s.At.Equal(want) || !s.Sections[0].At.Equal(want) {
		t.Errorf("At = %v and %v, want %v", s.At, s.Sections[0].At, want)
	}
	got := s.Sections[0].Features[0].Checkouts[0].Start
	if want := time.Date(2017, 10, 19, 23, 0, 0, 0, time.UTC); got != want {
		t.Errorf("start = %v, want %v", got, want)
	}
}

func TestCollectionTimeStandsInForTheStatusDate(t *testing.T) {
	_, undated, _ := strings.Cut(juergen, "\n")
	collected := time.Date(2023, 10, 21, 12, 0, 0, 0, time.UTC)
	s := parseStatus(t, []byte(undated), flexnet.StatusOptions{Collected: collected})
	c := s.Sections[0].Features[0].Checkouts[0]
	if want := time.Date(2023, 10, 20, 8, 0, 0, 0, time.UTC); !c.Start.Equal(want) || !s.At.IsZero() || s.Sections[0].At != collected {
		t.Errorf("start %v, At %v, section at %v; want %v, zero, %v", c.Start, s.At, s.Sections[0].At, want, collected)
	}
	s = parseStatus(t, []byte(undated), flexnet.StatusOptions{})
	if c := s.Sections[0].Features[0].Checkouts[0]; !c.Start.IsZero() || c.StartText != "Fri 10/20 8:00" {
		t.Errorf("without any date: start %v, text %q; want zero and the text", c.Start, c.StartText)
	}
}

func TestNamesWithBlanksAreDividedByWhatIsKnown(t *testing.T) {
	const tail = " (v1) (host1/27000 1), start Fri 10/20 8:00\n"
	tests := []struct {
		lines            string
		options          flexnet.StatusOptions
		user, host, disp string
		extra            string
		guessed          bool
	}{
		{lines: "a b c d", user: "a", host: "b", disp: "c", extra: "d", guessed: true},
		{lines: "Eva Maria Roth PC7 pc7:0 x y", user: "Eva Maria Roth", host: "PC7", disp: "pc7:0", extra: "x y"},
		{lines: "Eva Roth box tty 7", options: flexnet.StatusOptions{Hosts: []string{"BOX"}}, user: "Eva Roth", host: "box", disp: "tty", extra: "7"},
		{lines: "Eva Roth box tty 7", options: flexnet.StatusOptions{Users: []string{"eva roth"}}, user: "Eva Roth", host: "box", disp: "tty", extra: "7"},
		{lines: "eva srv1 other tty 7" + tail + "x other other", user: "eva", host: "srv1", disp: "other", extra: "tty 7", options: flexnet.StatusOptions{Users: []string{"eva"}}},
		{lines: "Eva Roth box tty 7" + tail + "kim box :0", user: "Eva Roth", host: "box", disp: "tty", extra: "7"},
		{lines: "eva  tty", user: "eva", disp: "tty", guessed: true},
		{lines: "eva", user: "eva", guessed: true},
		{lines: "eva box", user: "eva", host: "box"},
	}
	for _, tt := range tests {
		s := parseStatus(t, []byte(beforeUser+tt.lines+tail), tt.options)
		c := s.Sections[0].Features[0].Checkouts[0]
		got := []any{c.User, c.Host, c.Display, c.Extra, c.Guessed}
		if diff := diffOf([]any{tt.user, tt.host, tt.disp, tt.extra, tt.guessed}, got); diff != "" || s.UnreadTotal != 0 {
			t.Errorf("%q, known %q and %q: unread %v, -want +got\n%s", tt.lines, tt.options.Users, tt.options.Hosts, s.Unread, diff)
		}
	}
}

func TestUnknownTailKeepsTheCheckout(t *testing.T) {
	f := only(t, beforeUser+"u h d (v1) (host1/27000 1), start Fri 10/20 8:00, 3 licenses, PROJECT: p1 (linger: 60 / 3600), PID: 7\n").Features[0]
	c := f.Checkouts[0]
	if c.Licenses != 3 || c.PID != 7 || c.Kind != license.HolderLinger || c.Tail != ", PROJECT: p1" {
		t.Errorf("%+v, want 3 licenses, linger, PID 7 and the project as tail", c)
	}
}

func TestMissingVersionIsNoObstacle(t *testing.T) {
	c := only(t, beforeUser+"u h d (host1/27000 1), start Fri 10/20 8:00\n").Features[0].Checkouts[0]
	if c.User != "u" || c.Version != "" || c.Handle != "1" {
		t.Errorf("%+v, want user u and handle 1 without a version", c)
	}
}

func TestUnreadLinesAreNumberedAndBounded(t *testing.T) {
	var in strings.Builder
	in.WriteString(beforeUser)
	n := strings.Count(beforeUser, "\n")
	for i := range 5000 {
		fmt.Fprintf(&in, "\tnonsense %d\r\n", i)
	}
	in.WriteString(strings.Repeat("x", 3*text.MaxLine) + "\n")
	in.WriteString("    u h d (v1) (host1/27000 1), start Fri 10/20 8:00\n")
	s := parseStatus(t, []byte(in.String()), flexnet.StatusOptions{})
	if s.UnreadTotal != 5001 || len(s.Unread) != 1000 {
		t.Errorf("%d unread lines, %d kept; want 5001, 1000 kept", s.UnreadTotal, len(s.Unread))
	}
	if want := (facts.Unread{Line: n + 1, Text: "\tnonsense 0"}); s.Unread[0] != want {
		t.Errorf("first unread %+v, want %+v", s.Unread[0], want)
	}
	if len(s.Sections[0].Features[0].Checkouts) != 1 {
		t.Error("the line behind the unread ones was lost")
	}
	if s.Lines != n+5002 {
		t.Errorf("%d lines, want %d", s.Lines, n+5002)
	}
	long := parseStatus(t, []byte(strings.Repeat("x", 3*text.MaxLine)), flexnet.StatusOptions{})
	if got := len(long.Unread[0].Text); got > 600 {
		t.Errorf("unread text of %d bytes, want it cut", got)
	}
}

func TestFeatureThatCannotBeReadIsUnknown(t *testing.T) {
	for _, rest := range []string{
		"(Total of x licenses issued;  Total of 1 license in use)",
		"(Total of -3 licenses issued;  Total of 1 license in use)",
		"(Total of 99999999999999999999 licenses issued;  Total of 1 license in use)",
		"(Total of 10 licenses issued;  Total of 1 lic",
		"", "something new",
	} {
		s := parseStatus(t, []byte(beforeFeature+"Users of A:  "+rest+"\nUsers of B:  (Total of 2 licenses issued;  Total of 1 license in use)\n"), flexnet.StatusOptions{})
		sec := s.Sections[0]
		if s.UnreadTotal != 1 || sec.Listed || len(sec.Features) != 2 {
			t.Fatalf("%q: %d unread, listed %t, %d features; want 1, false, 2", rest, s.UnreadTotal, sec.Listed, len(sec.Features))
		}
		if a := sec.Features[0]; a.State != license.StateUnknown || a.Installed.Known || a.InUse.Known {
			t.Errorf("%q: %v, %v of %v; want unknown", rest, a.State, a.InUse, a.Installed)
		}
		if flexnet.Snapshots(s)[0].Snapshot.Complete {
			t.Errorf("%q: complete, though a feature could not be read", rest)
		}
	}
}

func TestUnlimitedBeginsWhereCountsEnd(t *testing.T) {
	for issued, want := range map[int64]license.State{
		license.UnlimitedFrom - 1: license.StateCounted, license.UnlimitedFrom: license.StateUnlimited, 4294967294: license.StateUnlimited, 0: license.StateCounted,
	} {
		f := only(t, fmt.Sprintf("%sUsers of A:  (Total of %d licenses issued;  Total of 1 license in use)\n", beforeFeature, issued)).Features[0]
		if f.State != want || f.Installed.Known != (want == license.StateCounted) || f.InUse != license.Of(1) {
			t.Errorf("%d issued: %v, %v of %v; want %v", issued, f.State, f.InUse, f.Installed, want)
		}
	}
}

func TestUnlimitedMayBeAWord(t *testing.T) {
	f := only(t, beforeFeature+"Users of A:  (Total of unlimited licenses issued;  Total of 1 license in use)\n").Features[0]
	if f.State != license.StateUnlimited || f.Installed.Known || f.InUse != license.Of(1) {
		t.Errorf("%v, %v of %v; want unlimited, 1 in use", f.State, f.InUse, f.Installed)
	}
}

// A status without end must not fill the memory, and says that it was cut.
func TestStatusIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(beforeFeature), strings.NewReader(strings.Repeat("Feature usage info:\n", 1<<20)))
	s, err := flexnet.ParseStatus(endless, flexnet.StatusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if sec := s.Sections[0]; s.UnreadTotal == 0 || sec.Listed || !strings.Contains(sec.Error, "too many lines") {
		t.Errorf("unread %d, listed %t, error %q; want the rest unread and an error", s.UnreadTotal, sec.Listed, sec.Error)
	}
}

func TestTermsWithinAStatusAreNotUnread(t *testing.T) {
	s := parseStatus(t, []byte(termsTable+"\n"+juergen), flexnet.StatusOptions{})
	if s.UnreadTotal != 0 || len(s.Sections) != 1 || len(s.Sections[0].Features) != 1 {
		t.Errorf("unread %v, %d sections; want the status below the table", s.Unread, len(s.Sections))
	}
}

func TestConcatenatedOutputsStayApart(t *testing.T) {
	const banner = "lmutil - Copyright (c) 1989-2019 Flexera. All Rights Reserved.\n"
	later := strings.ReplaceAll(juergen, "Fri 10/20/2017 17:02", "Fri 10/19/2018 17:02")
	refused := "Flexible License Manager status on Sat 10/20/2018 9:00\nError getting status: Cannot connect to license server (-15,570:111 \"Connection refused\")\n"
	s := parseStatus(t, []byte(banner+juergen+banner+later+banner+refused), flexnet.StatusOptions{})
	var got []string
	for _, sec := range s.Sections {
		got = append(got, sec.At.Format("2006-01-02")+" "+sec.Error)
	}
	want := []string{"2017-10-20 ", "2018-10-19 ", `2018-10-20 Error getting status: Cannot connect to license server (-15,570:111 "Connection refused")`}
	if diff := diffOf(want, got); diff != "" || s.UnreadTotal != 0 {
		t.Errorf("unread %v, -want +got\n%s", s.Unread, diff)
	}
}

func TestLinesThatAreNearlyRightAreUnread(t *testing.T) {
	for _, line := range []string{
		"u h d (v1) (host1/27000 1), start Fri 13/20 8:00",
		"u h d (v1) (host1/27000 1), start Fri 10/20",
		"u h d (v1) (host1 1), start Fri 10/20 8:00",
		"(v1) (host1/27000 1), start Fri 10/20 8:00",
		"u h d (v1), start Fri 10/20 8:00",
		"u h d (v1) (host1/27000 1) queued for many licenses",
		"u h d queued for 1 license",
		"x RESERVATIONs for GROUP g (host1/27000)",
		"2 RESERVATIONs of GROUP g (host1/27000)",
		"\"f\" v1, expiry: 1-jan-0",
		"\"f, vendor: one",
		"host1 license server UP v11.13",
		"Fri 10/20/2017",
	} {
		s := parseStatus(t, []byte(beforeUser+line+"\n"), flexnet.StatusOptions{})
		f := s.Sections[0].Features[0]
		if s.UnreadTotal != 1 || len(f.Checkouts) != 0 || len(f.Pools) != 1 {
			t.Errorf("%q: %d unread, lines %+v, pools %+v; want it unread", line, s.UnreadTotal, f.Checkouts, f.Pools)
		}
	}
}

func TestComponentsOfASectionAreBounded(t *testing.T) {
	var in strings.Builder
	in.WriteString(beforeServer)
	for i := range 200 {
		fmt.Fprintf(&in, "h%d: license server UP v1\n", i)
	}
	in.WriteString("Vendor daemon status (on h1):\n")
	for i := range 200 {
		fmt.Fprintf(&in, "d%d: UP v1\n", i)
	}
	s := parseStatus(t, []byte(in.String()), flexnet.StatusOptions{})
	if sec := s.Sections[0]; len(sec.Servers) != 100 || len(sec.Daemons) != 100 || s.UnreadTotal != 200 {
		t.Errorf("%d servers, %d daemons, %d unread; want 100, 100, 200", len(sec.Servers), len(sec.Daemons), s.UnreadTotal)
	}
}

func TestServerAndDaemonLinesThatDisagree(t *testing.T) {
	const refused = `Cannot connect to license server system. (-15,570:111 "Connection refused")`
	sec := only(t, beforeServer+"host1: "+refused+"\nHOST1: license server UP (MASTER) v11.13\nhost1: "+refused+
		"\nVendor daemon status (on host1):\none: UP v1\none: The desired vendor daemon is down. (-97,121)\none: UP v1\n")
	if diff := diffOf([]flexnet.ServerUp{{Host: "HOST1", Up: true, Master: true, Version: "11.13"}}, sec.Servers); diff != "" {
		t.Errorf("a server is up if any line says so: -want +got\n%s", diff)
	}
	if diff := diffOf([]flexnet.DaemonUp{{Name: "one", Error: "The desired vendor daemon is down. (-97,121)"}}, sec.Daemons); diff != "" {
		t.Errorf("a daemon is down if any line says so: -want +got\n%s", diff)
	}
}

// printedLine is a checkout and how lmstat prints it.
func printedLine(t *rapid.T) (want flexnet.Checkout, line string) {
	word := rapid.StringMatching(`[!-'*-~äß]{1,12}`)
	want = flexnet.Checkout{
		Kind: license.HolderActive, User: word.Draw(t, "user"), Host: word.Draw(t, "host"), Display: word.Draw(t, "display"),
		Version:  rapid.StringMatching(`[0-9]{1,4}(\.[0-9]{1,6})?`).Draw(t, "version"),
		Server:   rapid.StringMatching(`[a-zA-Z][a-z0-9.-]{0,20}`).Draw(t, "server"),
		Port:     rapid.StringMatching(`[1-9][0-9]{0,4}`).Draw(t, "port"),
		Handle:   rapid.StringMatching(`[1-9][0-9]{0,8}`).Draw(t, "handle"),
		Licenses: rapid.Int64Range(1, 5000).Draw(t, "licenses"),
	}
	want.StartText = "Fri 10/20 8:00"
	line = fmt.Sprintf("%s %s %s (v%s) (%s/%s %s), start %s", want.User, want.Host, want.Display, want.Version, want.Server, want.Port, want.Handle, want.StartText)
	if want.Licenses > 1 {
		line += fmt.Sprintf(", %d licenses", want.Licenses)
	}
	if rapid.Bool().Draw(t, "borrowed") {
		want.Kind, want.Linger = license.HolderBorrowed, time.Duration(rapid.IntRange(1441, 99999).Draw(t, "minutes"))*time.Minute
		line += fmt.Sprintf("  (linger: %d)", int64(want.Linger/time.Second))
	}
	if rapid.Bool().Draw(t, "has PID") {
		want.PID = rapid.Int64Range(1, 1<<31).Draw(t, "PID")
		line += fmt.Sprintf(", PID: %d", want.PID)
	}
	return want, line
}

func TestWhateverStandsInTheNamesTheRestIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, line := printedLine(t)
		s, err := flexnet.ParseStatus(strings.NewReader(beforeUser+"    "+line+"\n"), flexnet.StatusOptions{})
		if err != nil || s.UnreadTotal != 0 || len(s.Sections[0].Features[0].Checkouts) != 1 {
			t.Fatalf("%q: error %v, unread %v", line, err, s.Unread)
		}
		got := s.Sections[0].Features[0].Checkouts[0]
		got.Line, got.Start = 0, time.Time{}
		if diff := diffOf(want, got); diff != "" {
			t.Fatalf("%q: -want +got\n%s", line, diff)
		}
	})
}
