package flexnet_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// logTotals reads files of one history.
func logTotals(t testing.TB, o flexnet.LogOptions, files ...[]byte) (*flexnet.LogTotals, []flexnet.LogFile) {
	t.Helper()
	totals := flexnet.NewLogTotals(o)
	var all []flexnet.LogFile
	for _, f := range files {
		file, err := totals.Read(bytes.NewReader(f))
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		all = append(all, file)
	}
	totals.Flush()
	return totals, all
}

// logFeature returns the sums of one feature.
func logFeature(t testing.TB, totals *flexnet.LogTotals, name string) flexnet.LogFeature {
	t.Helper()
	for _, f := range totals.Features() {
		if f.Feature == name {
			return f
		}
	}
	t.Fatalf("feature %s is not in the totals", name)
	return flexnet.LogFeature{}
}

// logSums are the sums over all features of a history.
type logSums struct {
	Out, In, Denied, Unmatched int64
	Features, Users, Open      int
}

func logSumsOf(totals *flexnet.LogTotals) logSums {
	s := logSums{Features: len(totals.Features()), Users: totals.Users(), Open: len(totals.Open())}
	for _, f := range totals.Features() {
		s.Out += f.Out
		s.In += f.In
		s.Denied += f.Denied
		s.Unmatched += f.InUnmatched
	}
	return s
}

// The facts that INDEX.md of the samples states.
func TestCapturedLogsSayWhatTheirIndexSays(t *testing.T) {
	for name, want := range map[string]logSums{
		"debuglog-v11.14-autodesk-14days-full.log":                     {Out: 170, In: 168, Denied: 2, Features: 7, Users: 7, Open: 2},
		"debuglog-v11.12-autodesk-packages-inactive-7days-EXCERPT.log": {Out: 416, In: 416, Features: 5, Users: 39},
		"debuglog-v11.13-ansys-multi-license-3days-PSEUDONYMISED.log":  {Out: 327, In: 318, Features: 4, Users: 4, Open: 9},
		"../citrix/lmgrd_debug-startup-checkout-CTX114855.txt":         {Out: 1, Features: 1, Users: 1, Open: 1},
	} {
		t.Run(name, func(t *testing.T) {
			totals, files := logTotals(t, flexnet.LogOptions{}, formattest.Sample(t, "flexnet/"+name))
			if got := logSumsOf(totals); got != want {
				t.Errorf("sums %+v, want %+v", got, want)
			}
			if n := files[0].UnreadLines; n != 0 {
				t.Errorf("%d lines unread, the first of them %v; want none", n, files[0].Unread[0])
			}
		})
	}
}

func TestCapturedLogOf14DaysIsWhole(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	totals, files := logTotals(t, flexnet.LogOptions{Zone: zone}, formattest.Sample(t, "flexnet/debuglog-v11.14-autodesk-14days-full.log"))
	f := files[0]
	if got, want := f.First, time.Date(2018, 7, 27, 15, 49, 7, 0, zone); !got.Equal(want) {
		t.Errorf("first instant %v, want %v", got, want)
	}
	if got, want := f.Last, time.Date(2018, 8, 9, 14, 37, 34, 0, zone); !got.Equal(want) {
		t.Errorf("last instant %v, want %v", got, want)
	}
	if !f.Started || len(f.Gaps) != 0 || len(f.Warnings) != 0 || f.Lines != 3598 {
		t.Errorf("started %v, gaps %v, warnings %q, %d lines; want a start, no gap, no warning, 3598 lines", f.Started, f.Gaps, f.Warnings, f.Lines)
	}
	for _, c := range totals.Open() {
		if c.Licenses != 1 || c.User != "TonyMontana" {
			t.Errorf("open at the end: %+v; want one license of TonyMontana", c)
		}
	}
	got := logFeature(t, totals, "86815AECCOL_T_F").Peak
	if want := (flexnet.LogPeak{Value: 6, At: time.Date(2018, 7, 31, 12, 52, 7, 0, zone).UTC(), Basis: license.BasisExact}); got != want {
		t.Errorf("peak %+v, want %+v", got, want)
	}
}

func TestCapturedLogNamesPackagesAndInactivity(t *testing.T) {
	log := formattest.Sample(t, "flexnet/debuglog-v11.12-autodesk-packages-inactive-7days-EXCERPT.log")
	totals, _ := logTotals(t, flexnet.LogOptions{}, log)
	pack := logFeature(t, totals, "64300ACD_F")
	if pack.Peak.Value != 11 || len(pack.Members) != 4 {
		t.Errorf("64300ACD_F: peak %d, members %q; want 11 and 4 members", pack.Peak.Value, pack.Members)
	}
	if got := strings.Join(logFeature(t, totals, "85730ACD_2012_0F").MemberOf, " "); got != "64300ACD_F" {
		t.Errorf("85730ACD_2012_0F is a member of %q, want 64300ACD_F", got)
	}
	events, _ := readLog(t, string(log), flexnet.LogOptions{})
	inactive := 0
	for _, e := range events {
		if e.Kind == flexnet.LogIn && e.Reason == "INACTIVE" {
			inactive++
		}
	}
	if inactive != 70 {
		t.Errorf("%d check-ins by inactivity, want 70", inactive)
	}
}

func TestCapturedLogCountsLicensesNotLines(t *testing.T) {
	totals, _ := logTotals(t, flexnet.LogOptions{}, formattest.Sample(t, "flexnet/debuglog-v11.13-ansys-multi-license-3days-PSEUDONYMISED.log"))
	f := logFeature(t, totals, "hfsshpc")
	if f.Out != 147 || f.OutLicenses != 1250 || f.Peak.Value != 108 || f.Open != 86 || f.OpenCheckouts != 5 {
		t.Errorf("hfsshpc: %d checkouts of %d licenses, peak %d, open %d in %d; want 147 of 1250, peak 108, open 86 in 5",
			f.Out, f.OutLicenses, f.Peak.Value, f.Open, f.OpenCheckouts)
	}
	d := totals.Daemons()
	if len(d) != 1 || d[0].Name != "ansyslmd" || len(d[0].Features) < 90 {
		t.Errorf("daemons %+v, want ansyslmd with the long list of served features", d)
	}
}

func TestCapturedCitrixLogKeepsTheHandleAndTellsThatItHasNoDate(t *testing.T) {
	totals, files := logTotals(t, flexnet.LogOptions{}, formattest.Sample(t, "citrix/lmgrd_debug-startup-checkout-CTX114855.txt"))
	open := totals.Open()
	want := flexnet.LogCheckout{Daemon: "CITRIX", Feature: "CITRIX", User: "USER15", Host: "GENE-VM-2K3", Extra: "ec26edf8", Licenses: 1}
	if len(open) != 1 || open[0] != want {
		t.Errorf("open %+v, want %+v", open, want)
	}
	if w := files[0].Warnings; len(w) == 0 || !strings.Contains(w[0], "no line of the log tells a date") {
		t.Errorf("warnings %q, want one that the log tells no date", w)
	}
}
