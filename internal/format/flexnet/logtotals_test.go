package flexnet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// startOfLog is the start block that opens a whole log on 6 May 2024.
const startOfLog = ` 8:00:00 (lmgrd) Server's System Date and Time: Mon May 06 2024 08:00:00 UTC
 8:00:00 (lmgrd) FlexNet Licensing (v11.16.2.0 build 242461 x64_n6) started on LIC01 (IBM PC) (5/6/2024)
 8:00:00 (lmgrd) Started vend (pid 1884)
`

func mayDay(hour, minute, second int) time.Time {
	return time.Date(2024, 5, 6, hour, minute, second, 0, time.UTC)
}

// totalsOf reads logs of one history, each behind the start block if it is the
// first.
func totalsOf(t testing.TB, first string, more ...string) (*flexnet.LogTotals, []flexnet.LogFile) {
	t.Helper()
	files := [][]byte{[]byte(startOfLog + first)}
	for _, m := range more {
		files = append(files, []byte(m))
	}
	return logTotals(t, flexnet.LogOptions{}, files...)
}

func TestCheckinClosesTheOldestCheckoutOfItsKind(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend) OUT: "f" ann@pc1  
 9:01:00 (vend) OUT: "f" ann@pc1  
 9:02:00 (vend) OUT: "f" ann@pc1  (2 licenses) 
 9:03:00 (vend) OUT: "f" ann@pc1  [x] 
 9:04:00 (vend) IN: "f" ann@pc1  
 9:05:00 (vend) IN: "f" ann@pc1  [x] 
`)
	want := []flexnet.LogCheckout{
		{Daemon: "vend", Feature: "f", User: "ann", Host: "pc1", Licenses: 1, Since: mayDay(9, 1, 0)},
		{Daemon: "vend", Feature: "f", User: "ann", Host: "pc1", Licenses: 2, Since: mayDay(9, 2, 0)},
	}
	if diff := diffOf(want, totals.Open()); diff != "" {
		t.Errorf("open: -want +got\n%s", diff)
	}
	f := logFeature(t, totals, "f")
	if f.Open != 3 || f.OpenCheckouts != 2 || f.Out != 4 || f.OutLicenses != 5 || f.In != 2 || f.Peak.Value != 5 {
		t.Errorf("sums %+v, want 3 licenses open in 2 checkouts, 4 out with 5 licenses, 2 in, peak 5", f)
	}
}

func TestPeopleAreTheSameInAnySpellingAndKeepTheirLastUse(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend) OUT: "f" Ann@PC1  
 9:02:00 (vend) OUT: "f" ben@pc2  
 9:04:00 (vend) IN: "f" ANN@pc1  
 9:05:00 (vend) OUT: "g" ann@pc1  
 9:06:00 (vend) DENIED: "f" cid@pc3  (Licensed number of users already reached. (-4,342))
`)
	want := []flexnet.LogPerson{
		{Daemon: "vend", Feature: "f", User: "Ann", Out: 1, Last: mayDay(9, 4, 0)},
		{Daemon: "vend", Feature: "f", User: "ben", Out: 1, Last: mayDay(9, 2, 0)},
		{Daemon: "vend", Feature: "g", User: "ann", Out: 1, Last: mayDay(9, 5, 0)},
	}
	if diff := diffOf(want, totals.People()); diff != "" {
		t.Errorf("people: -want +got\n%s", diff)
	}
}

func TestCheckinFindsItsCheckoutInAnotherSpelling(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend) OUT: "f" Ann@PC1  
 9:04:00 (vend) IN: "f" ANN@pc1  (INACTIVE)
 9:05:00 (vend) OUT: "F" ann@pc1  
`)
	f := logFeature(t, totals, "f")
	if f.Open != 0 || f.InUnmatched != 0 || f.Users != 1 || f.Hosts != 1 {
		t.Errorf("f: %+v, want nothing open, one user, one host", f)
	}
	if got := logFeature(t, totals, "F").Open; got != 1 {
		t.Errorf("F: %d open, want 1: the case of features counts", got)
	}
}

func TestCheckinWithoutCheckoutChangesNothing(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend) OUT: "f" ann@pc1  
 9:01:00 (vend) IN: "f" bob@pc1  
 9:02:00 (vend) IN: "f" ann@pc1  (5 licenses) 
`)
	f := logFeature(t, totals, "f")
	if f.Open != 1 || f.In != 2 || f.InUnmatched != 2 || f.InLicenses != 6 {
		t.Errorf("sums %+v, want 1 open and 2 of 2 check-ins unmatched", f)
	}
}

func TestStartsAndEndsGiveEverythingBack(t *testing.T) {
	const two = ` 9:00:00 (lmgrd) Started other (pid 7)
 9:00:00 (vend) OUT: "f" ann@pc1  
 9:00:00 (other) OUT: "g" ann@pc1  
`
	for line, want := range map[string][2]int64{ // open on vend, on other
		"(lmgrd) FlexNet Licensing (v11.16) started on LIC01 (IBM PC) (5/6/2024)": {0, 0},
		"(lmgrd) Server's System Date and Time: Mon May 06 2024 09:10:00 UTC":     {0, 0},
		"(lmgrd) Shutdown requested from admin@lic01":                             {0, 0},
		"(lmgrd) daemon shutdown requested - shutting down":                       {0, 0},
		"(lmgrd) EXITING DUE TO SIGNAL 15":                                        {0, 0},
		"(vend) daemon shutdown requested - shutting down":                        {0, 1},
		"(vend) Shutdown requested from lmgrd":                                    {0, 1},
		"(vend) EXITING DUE TO SIGNAL 15":                                         {0, 1},
		"(vend) EXITING DUE TO SIGNAL 27 Exit reason 4":                           {0, 1},
		"(vend) FlexNet Licensing version v11.16.2.0 build 242461":                {0, 1},
		"(lmgrd) REStarted vend (internet tcp_port 45413 pid 177)":                {0, 1},
		"(lmgrd) Started vend (pid 1884)":                                         {0, 1},
		"(lmgrd) vend exited with status 0 signal = 17":                           {0, 1},
		"(lmgrd) Shutting down vend pid=1884 for shutdown by admin":               {0, 1},
		"(other) EXITING DUE TO SIGNAL 15":                                        {1, 0},
		"(vend_1) EXITING DUE TO SIGNAL 15":                                       {1, 1},
		"(lmgrd) TIMESTAMP 5/6/2024":                                              {1, 1},
		"(vend) Rereading license file...":                                        {1, 1},
		"(lmgrd) Rereading license file... Requested from admin@lic01":            {1, 1},
		"(vend) Disabling 150 licenses from feature f(1234 5678 9ABC )":           {1, 1},
		"(vend) Server started on LIC01 for:\tf\t":                                {1, 1},
	} {
		t.Run(line, func(t *testing.T) {
			totals, files := totalsOf(t, two+" 9:10:00 "+line+"\n")
			if n := files[0].UnreadLines; n != 0 {
				t.Errorf("%d lines unread: %v", n, files[0].Unread)
			}
			got := [2]int64{logFeature(t, totals, "f").Open, logFeature(t, totals, "g").Open}
			if got != want {
				t.Errorf("open on vend and other: %v, want %v", got, want)
			}
		})
	}
}

func TestCheckinsBehindTheEndOfADaemonAreIgnored(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend) OUT: "f" ann@pc1  
 9:00:01 (vend) OUT: "f" bob@pc2  
 9:10:00 (vend) EXITING DUE TO SIGNAL 15
 9:10:00 (vend) IN: "f" ann@pc1  (SHUTDOWN)
Shut down FlexNet vend license server system on machine lic01
 9:20:00 (lmgrd) Started vend (pid 5)
 9:20:05 (vend) OUT: "f" bob@pc2  
`)
	f := logFeature(t, totals, "f")
	if f.Open != 1 || f.InUnmatched != 1 || f.Peak.Value != 2 {
		t.Errorf("sums %+v, want 1 open, 1 check-in unmatched, peak 2", f)
	}
	if open := totals.Open(); len(open) != 1 || !open[0].Since.Equal(mayDay(9, 20, 5)) {
		t.Errorf("open %+v, want the checkout of 9:20:05", open)
	}
}

func TestForksCountWithTheirDaemon(t *testing.T) {
	totals, _ := totalsOf(t, ` 9:00:00 (vend_1) OUT: "f" ann@pc1  
 9:01:00 (vend_2) OUT: "f" bob@pc2  
 9:02:00 (vend) IN: "f" ann@pc1  
`)
	f := logFeature(t, totals, "f")
	if f.Daemon != "vend" || f.Open != 1 || f.Peak.Value != 2 || len(totals.Features()) != 1 {
		t.Errorf("features %+v, want one of vend with 1 open and peak 2", totals.Features())
	}
}

func TestRepeatedRefusalsFoldIntoOne(t *testing.T) {
	const full = "(Licensed number of users already reached. (-4,342))\n"
	totals, _ := totalsOf(t, ` 9:00:00 (vend) DENIED: "f" ann@pc1  `+full+
		` 9:04:00 (vend) DENIED: "f" Ann@PC1  `+full+ // a repeat, in another spelling
		` 9:09:00 (vend) DENIED: "f" ann@pc1  `+full+ // 5 minutes after the last: still one
		` 9:14:01 (vend) DENIED: "f" ann@pc1  `+full+ // a new need
		` 9:14:02 (vend) DENIED: "f" bob@pc1  `+full+
		` 9:14:03 (vend) DENIED: "f" ann@pc2  `+full+
		` 9:14:04 (vend) DENIED: "g" ann@pc1  `+full+
		` 9:14:05 (vend) DENIED: "f" eve@pc1  (User/host on EXCLUDE list for feature. (-38,348))`+"\n"+
		` 9:14:06 (vend) UNSUPPORTED: "f" (AB12) eve@pc1  (No such feature exists. (-5,346))`+"\n")
	f := logFeature(t, totals, "f")
	if f.Denied != 7 || f.DeniedFolded != 5 || f.Shortages != 4 || f.Unsupported != 1 || f.Users != 0 {
		t.Errorf("f: %+v; want 7 refusals, 5 folded, 4 of them shortages, 1 unsupported, no user", f)
	}
	if g := logFeature(t, totals, "g"); g.DeniedFolded != 1 {
		t.Errorf("g: %d refusals, want 1", g.DeniedFolded)
	}
}

func TestSecondHasTheHighestValueThatAnEventLeaves(t *testing.T) {
	log := startOfLog + ` 9:00:00 (vend) OUT: "f" ann@pc1  
 9:00:00 (vend) OUT: "f" bob@pc2  
 9:00:00 (vend) IN: "f" ann@pc1  
 9:00:05 (vend) IN: "f" bob@pc2  
 9:00:05 (vend) OUT: "g" bob@pc2  
 9:00:09 (vend) OUT: "f" ann@pc1  (2 licenses) 
 9:00:10 (vend) IN: "f" eve@pc1  
 9:00:12 (vend) EXITING DUE TO SIGNAL 15
`
	totals := flexnet.NewLogTotals(flexnet.LogOptions{})
	var got []flexnet.LogStep
	totals.OnStep = func(s flexnet.LogStep) { got = append(got, s) }
	if _, err := totals.Read(strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	totals.Flush()
	step := func(feature string, second int, inUse, high int64) flexnet.LogStep {
		return flexnet.LogStep{Daemon: "vend", Feature: feature, At: mayDay(9, 0, second), InUse: inUse, High: high}
	}
	want := []flexnet.LogStep{
		step("f", 0, 1, 2), step("f", 5, 0, 0), step("g", 5, 1, 1), step("f", 9, 2, 2), step("f", 12, 0, 0), step("g", 12, 0, 0),
	}
	if diff := diffOf(want, got); diff != "" {
		t.Errorf("steps: -want +got\n%s", diff)
	}
	if p := logFeature(t, totals, "f").Peak; p.Value != 2 || !p.At.Equal(mayDay(9, 0, 0)) {
		t.Errorf("peak %+v, want 2 at 9:00:00, the first of two", p)
	}
}

func TestPeakIsExactOnlyFromTheStartOfAServer(t *testing.T) {
	const out = ` 9:00:00 (vend) OUT: "f" ann@pc1  ` + "\n"
	const mark = " 8:30:00 (lmgrd) TIMESTAMP 5/6/2024\n"
	for name, c := range map[string]struct {
		log  string
		want license.Basis
	}{
		"server start":                  {startOfLog + out, license.BasisExact},
		"start of the daemon's own log": {" 8:00:00 (vend) FlexNet Licensing version v11.16\n" + mark + out, license.BasisExact},
		"cut":                           {mark + out, license.BasisAtLeast},
		"cut, restarted later":          {mark + startOfLog + out, license.BasisAtLeast},
		"an event cannot be read":       {startOfLog + out + ` 9:01:00 (vend) OUT: "f` + "\n", license.BasisAtLeast},
		"duplicate grouping":            {startOfLog + " 8:00:01 (vend) Feature f has DUP_GROUP=UH\n" + out, license.BasisAtLeast},
	} {
		t.Run(name, func(t *testing.T) {
			totals, _ := logTotals(t, flexnet.LogOptions{}, []byte(c.log))
			if got := logFeature(t, totals, "f").Peak.Basis; got != c.want {
				t.Errorf("basis %q, want %q", got, c.want)
			}
		})
	}
}

func TestRotatedLogGoesOn(t *testing.T) {
	totals, files := totalsOf(t, " 9:00:00 (vend) OUT: \"f\" ann@pc1  \n14:00:00 (lmgrd) TIMESTAMP 5/6/2024\n",
		"14:10:00 (vend) OUT: \"f\" bob@pc2  \n14:20:00 (vend) IN: \"f\" ann@pc1  \n20:00:00 (lmgrd) TIMESTAMP 5/6/2024\n")
	f := logFeature(t, totals, "f")
	want := flexnet.LogPeak{Value: 2, At: mayDay(14, 10, 0), Basis: license.BasisExact}
	if f.Peak != want || f.Open != 1 || f.InUnmatched != 0 {
		t.Errorf("sums %+v, want peak %+v and 1 open", f, want)
	}
	if files[1].Started || !files[1].First.Equal(mayDay(14, 10, 0)) || !files[1].Last.Equal(mayDay(20, 0, 0)) {
		t.Errorf("second file %+v, want no start, 14:10 to 20:00", files[1])
	}
}

func TestMissingFileOfARotatedLogIsNoticed(t *testing.T) {
	totals, files := totalsOf(t, " 9:00:00 (vend) OUT: \"f\" ann@pc1  \n",
		"18:00:00 (vend) OUT: \"f\" bob@pc2  \n20:00:00 (lmgrd) TIMESTAMP 5/6/2024\n")
	f := logFeature(t, totals, "f")
	if f.Open != 1 || f.Peak.Value != 1 || f.Peak.Basis != license.BasisAtLeast {
		t.Errorf("sums %+v, want 1 open and a peak of at least 1", f)
	}
	if !slices.ContainsFunc(files[1].Warnings, func(w string) bool { return strings.Contains(w, "a file is missing") }) {
		t.Errorf("warnings %q, want one of a missing file", files[1].Warnings)
	}
}

func TestStepsOfSeveralFilesAreInOrderOfTime(t *testing.T) {
	totals := flexnet.NewLogTotals(flexnet.LogOptions{})
	var at []time.Time
	totals.OnStep = func(s flexnet.LogStep) { at = append(at, s.At) }
	for _, log := range []string{
		startOfLog + " 9:00:00 (vend) OUT: \"f\" ann@pc1  \n 9:00:09 (vend) OUT: \"f\" bob@pc1  \n",
		" 9:00:09 (vend) OUT: \"f\" eve@pc1  \n 9:00:08 (vend) IN: \"f\" eve@pc1  \n14:00:00 (lmgrd) TIMESTAMP 5/6/2024\n",
	} {
		if _, err := totals.Read(strings.NewReader(log)); err != nil {
			t.Fatal(err)
		}
	}
	totals.Flush()
	if want := []time.Time{mayDay(9, 0, 0), mayDay(9, 0, 9)}; !slices.Equal(at, want) {
		t.Errorf("steps at %v, want %v: one second is one step", at, want)
	}
}

func TestVerboseLogIsPairedByHandleAndCountsAsTheDaemonDoes(t *testing.T) {
	verbose := func(handle, inUse string) string {
		return "^^^ 1.0 Jane Doe 10.0.0.7 4711 " + handle + " " + inUse + " 10  11 19 5/6/2024 9:00:00 1 ^^^\n"
	}
	totals, files := totalsOf(t, ` 9:00:00 (vend) OUT: "f" Jane Doe@pc1  `+verbose("0x1a", "3")+
		` 9:01:00 (vend) OUT: "f" Jane Doe@pc1  `+verbose("0x1b", "3")+ // shared: the count stays
		` 9:02:00 (vend) IN: "f" Jane Doe@pc1  `+verbose("0x1b", "3"))
	f := logFeature(t, totals, "f")
	if f.Open != 3 || f.OpenCheckouts != 1 || f.Peak.Value != 3 || f.Installed != license.Of(10) || f.Peak.Basis != license.BasisExact {
		t.Errorf("sums %+v, want 3 in use of 10, exactly, and one open checkout", f)
	}
	if open := totals.Open(); len(open) != 1 || !open[0].Since.Equal(mayDay(9, 0, 0)) {
		t.Errorf("open %+v, want the checkout of 9:00:00", open)
	}
	if n := len(files[0].Warnings); n != 0 {
		t.Errorf("warnings %q, want none", files[0].Warnings)
	}
}

func TestUndatedLogStillCounts(t *testing.T) {
	totals, _ := logTotals(t, flexnet.LogOptions{}, []byte("23:59:59 (vend) OUT: \"f\" ann@pc1\n 0:00:01 (vend) OUT: \"f\" bob@pc1\n 0:00:02 (vend) IN: \"f\" bob@pc1\n"))
	f := logFeature(t, totals, "f")
	if f.Peak.Value != 2 || !f.Peak.At.IsZero() || f.Open != 1 || !f.First.IsZero() || !f.Last.IsZero() {
		t.Errorf("sums %+v, want peak 2 at an unknown time and 1 open", f)
	}
}
