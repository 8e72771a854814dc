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

func parseStatus(t testing.TB, in []byte, o flexnet.StatusOptions) flexnet.Status {
	t.Helper()
	s, err := flexnet.ParseStatus(bytes.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	return s
}

// statusFacts are what a captured status is known to say.
type statusFacts struct {
	features, counted, uncounted, unlimited int
	issued, used                            int64 // sums of what is known, unlimited features left out
	lines                                   int   // of people: checked out, borrowed or lingering
	licenses                                int64 // that these lines hold
	reserved, users                         int
	guessed, odd, unread                    int
}

func factsOf(s flexnet.Status) statusFacts {
	f := statusFacts{unread: s.UnreadTotal}
	users := map[string]bool{}
	for _, sec := range s.Sections {
		for _, ft := range sec.Features {
			f.features++
			switch ft.State {
			case license.StateCounted:
				f.counted++
				f.issued += ft.Installed.N
				f.used += ft.InUse.N
			case license.StateUncounted:
				f.uncounted++
			case license.StateUnlimited:
				f.unlimited++
			}
			for _, c := range ft.Checkouts {
				f.addLine(c, users)
			}
		}
	}
	f.users = len(users)
	return f
}

func (f *statusFacts) addLine(c flexnet.Checkout, users map[string]bool) {
	if c.Kind == license.HolderReserved {
		f.reserved += int(c.Licenses)
		return
	}
	f.lines++
	f.licenses += c.Licenses
	users[license.FoldName(c.User)] = true
	if c.Guessed {
		f.guessed++
	}
	if c.DateOdd {
		f.odd++
	}
}

// TestSampleFacts asserts what the index of the captures says of each, and
// what counting by hand adds: users, guesses and unread lines.
func TestSampleFacts(t *testing.T) {
	tests := map[string]statusFacts{
		"flexnet/lmstat-a-v11.7-triad-fqdn-10features.txt":                   {features: 10, counted: 10, issued: 1297, used: 38, lines: 38, licenses: 38, users: 13},
		"flexnet/lmstat-a-v11.14-triad-two-daemons-46features.txt":           {features: 46, counted: 46, issued: 1254, used: 206, lines: 168, licenses: 206, users: 49},
		"flexnet/lmstat-a-v11.19.6-matlab-pid-122features.txt":               {features: 122, counted: 118, uncounted: 4, issued: 1560001, used: 116, lines: 85, licenses: 85, users: 38},
		"flexnet/lmstat-a-v11.19.7-matlab-mixed-pools-group-reservation.txt": {features: 53, counted: 52, uncounted: 1, issued: 1303, used: 112, lines: 106, licenses: 106, reserved: 6, users: 59},
		"flexnet/lmstat-a-v11.13-triad-one-server-down.txt":                  {features: 2, counted: 2, issued: 288, used: 39},
		"flexnet/lmstat-v11.14-windows-server-listed-twice.txt":              {},
		"flexnet/lmstat-a-v11.16.2-arcgis-crlf-encrypted-display.txt":        {features: 11, counted: 11, issued: 48, used: 3, lines: 3, licenses: 3, users: 2},
		"flexnet/lmstat-a-v11.16.5-totals-without-user-lines.txt":            {features: 5, counted: 5, issued: 13, used: 5},
		"flexnet/lmstat-a-v11.14-matlab-hpc-51features-375checkouts.txt":     {features: 51, counted: 51, issued: 500600, used: 375, lines: 375, licenses: 375, users: 15},
		"flexnet/lmstat-a-v11.13-ixia-borrowed-linger-huge-counts.txt":       {features: 7, counted: 5, uncounted: 1, unlimited: 1, issued: 4*186 + 5000, used: 76 + 75 + 78 + 76 + 2020, lines: 323, licenses: 76 + 75 + 78 + 76 + 700, users: 7},
		"flexnet/lmstat-f-extra-checkout-data-before-version-ELIDED.txt":     {features: 1, counted: 1, issued: 42800, used: 1600, lines: 3, licenses: 1600, users: 1, guessed: 3, unread: 2},
		"flexnet/lmstat-f-mscone-tokens-ELIDED.txt":                          {features: 1, counted: 1, issued: 750, used: 18, lines: 6, licenses: 18, users: 1, guessed: 6, unread: 2},
		"flexnet/lmstat-error-connection-refused.txt":                        {},
		"flexnet/lmstat-version-2016.txt":                                    {},
		"flexnet/lmstat-version-2005.txt":                                    {},
		"citrix/lmstat-a-citrix-docs-11.10-TRUNCATED.txt":                    {unread: 1},
		"citrix/lmstat-feature-lines-citrixexporter-testset.txt":             {features: 2, counted: 2, issued: 350, used: 245},
	}
	for name, want := range tests {
		if got := factsOf(parseStatus(t, formattest.Sample(t, name), flexnet.StatusOptions{})); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

// section returns the only section of a captured status.
func section(t *testing.T, name string) flexnet.Section {
	t.Helper()
	s := parseStatus(t, formattest.Sample(t, name), flexnet.StatusOptions{})
	if len(s.Sections) != 1 || s.Error != "" {
		t.Fatalf("%s: %d sections, error %q; want one section", name, len(s.Sections), s.Error)
	}
	return s.Sections[0]
}

func wantFeature(t *testing.T, sec flexnet.Section, name, daemon string, installed, inUse license.Count, state license.State) {
	t.Helper()
	for _, f := range sec.Features {
		if f.Name == name {
			if f.Daemon != daemon || f.Installed != installed || f.InUse != inUse || f.State != state {
				t.Errorf("%s = %s, %v of %v, %v; want %s, %v of %v, %v", name,
					f.Daemon, f.InUse, f.Installed, f.State, daemon, inUse, installed, state)
			}
			return
		}
	}
	t.Errorf("no feature %s", name)
}

func TestSampleTriadWithOneServerDown(t *testing.T) {
	s := parseStatus(t, formattest.Sample(t, "flexnet/lmstat-a-v11.13-triad-one-server-down.txt"), flexnet.StatusOptions{})
	sec := s.Sections[0]
	want := []flexnet.ServerUp{
		{Host: "host1", Up: true, Version: "11.13.0"},
		{Host: "host2", Up: true, Master: true, Version: "11.13.0"},
		{Host: "host3", Error: `Cannot connect to license server system. (-15,570:115 "Operation now in progress")`},
	}
	if diff := diffOf(want, sec.Servers); diff != "" {
		t.Errorf("servers: -want +got\n%s", diff)
	}
	if got := flexnet.Snapshots(s)[0]; got.State != flexnet.ServerDegraded || !got.Snapshot.Complete {
		t.Errorf("a triad with one server down is %s, complete %t; want degraded, complete", got.State, got.Snapshot.Complete)
	}
	if p := sec.Features[1].Pools[0]; p.Vendor != "feature2" || p.Expiry != "1-jan-0" {
		t.Errorf("pool %+v, want vendor feature2, expiry 1-jan-0", p)
	}
}

func TestSampleServerListedTwice(t *testing.T) {
	sec := section(t, "flexnet/lmstat-v11.14-windows-server-listed-twice.txt")
	if diff := diffOf([]flexnet.ServerUp{{Host: "BVS15004", Up: true, Master: true, Version: "11.12"}}, sec.Servers); diff != "" {
		t.Errorf("servers: -want +got\n%s", diff)
	}
	if diff := diffOf([]flexnet.DaemonUp{{Name: "ptc_d", Up: true, Version: "11.14.0"}}, sec.Daemons); diff != "" {
		t.Errorf("daemons: -want +got\n%s", diff)
	}
	if sec.Listed {
		t.Error("the output ends before the list of features, but counts as listed")
	}
}

func TestSampleTwoDaemons(t *testing.T) {
	sec := section(t, "flexnet/lmstat-a-v11.14-triad-two-daemons-46features.txt")
	want := []flexnet.DaemonUp{{Name: "daemon1", Up: true, Version: "11.14"}, {Name: "DAEMON2", Up: true, Version: "11.13"}}
	if diff := diffOf(want, sec.Daemons); diff != "" {
		t.Errorf("daemons: -want +got\n%s", diff)
	}
}

func TestSampleMatlab(t *testing.T) {
	sec := section(t, "flexnet/lmstat-a-v11.19.6-matlab-pid-122features.txt")
	wantFeature(t, sec, "MATLAB", "MLM", license.Of(10000), license.Of(61), license.StateCounted)
	for _, f := range sec.Features {
		if f.Name == "MATLAB" && len(f.Checkouts) != 37 {
			t.Errorf("MATLAB has %d lines, want 37", len(f.Checkouts))
		}
		if f.State == license.StateUncounted && !strings.HasPrefix(f.Name, "RoadRunner") {
			t.Errorf("%s is uncounted, only RoadRunner is", f.Name)
		}
		for _, c := range f.Checkouts {
			if c.PID == 0 || c.Start.Day() != 10 || c.Start.Year() != 2025 {
				t.Errorf("line %d: PID %d, start %v; want a PID and 10 February 2025", c.Line, c.PID, c.Start)
			}
		}
	}
}

func TestSampleMixedPools(t *testing.T) {
	sec := section(t, "flexnet/lmstat-a-v11.19.7-matlab-mixed-pools-group-reservation.txt")
	wantFeature(t, sec, "MATLAB", "MLM", license.Of(420), license.Of(60), license.StateCounted)
	wantFeature(t, sec, "SIMULINK", "MLM", license.Of(320), license.Of(35), license.StateCounted)
	wantFeature(t, sec, "TMW_Archive", "MLM", license.Count{}, license.Count{}, license.StateUncounted)
	f := sec.Features[0]
	if len(f.Pools) != 3 || f.Pools[0].Expiry != "01-jan-0000" || f.Pools[1].Expiry != "01-jan-2099" || f.Pools[2].Kind != "floating license" {
		t.Errorf("pools of %s = %+v, want two node-locked ones and a floating one", f.Name, f.Pools)
	}
	per := make([]int, len(f.Pools))
	for _, c := range f.Checkouts {
		per[c.Pool]++
	}
	if diff := diffOf([]int{1, 49, 10}, per); diff != "" {
		t.Errorf("lines per pool of %s: -want +got\n%s", f.Name, diff)
	}
}

func TestSampleBorrowed(t *testing.T) {
	sec := section(t, "flexnet/lmstat-a-v11.13-ixia-borrowed-linger-huge-counts.txt")
	for name, used := range map[string]int64{"ixchariot_fs": 76, "chr_video_fs": 75, "chr_voip_fs": 78, "chr_ip6_fs": 76} {
		wantFeature(t, sec, name, "ixialm", license.Of(186), license.Of(used), license.StateCounted)
	}
	wantFeature(t, sec, "chr_pairs_fs", "ixialm", license.Of(5000), license.Of(2020), license.StateCounted)
	wantFeature(t, sec, "ixchariot_blank", "ixialm", license.Count{}, license.Of(0), license.StateUnlimited)
	wantFeature(t, sec, "IXFEATURE", "ixialm", license.Count{}, license.Count{}, license.StateUncounted)
	if !strings.Contains(sec.Files, `abc.lic:C:\`) || !strings.HasSuffix(sec.Files, `this.lic:`) {
		t.Errorf("license files %q, want both as printed", sec.Files)
	}
	blanks := 0
	for _, f := range sec.Features {
		for _, c := range f.Checkouts {
			if c.User == "Quantenna FAE4" {
				blanks++
			}
			if c.Linger > 0 && (c.Linger%time.Minute != 0 || c.Kind != license.HolderBorrowed) {
				t.Errorf("line %d: linger %v as %s, want whole minutes of a borrow", c.Line, c.Linger, c.Kind)
			}
			if c.Port != "31495" {
				t.Errorf("line %d: port %q, want that of the daemon", c.Line, c.Port)
			}
		}
	}
	if blanks == 0 {
		t.Error("the user with a blank in the name was not found")
	}
}

func TestSampleScrambledDisplays(t *testing.T) {
	sec := section(t, "flexnet/lmstat-a-v11.16.2-arcgis-crlf-encrypted-display.txt")
	wantFeature(t, sec, "ARC/INFO", "ARCGIS", license.Of(6), license.Of(2), license.StateCounted)
	c := sec.Features[1].Checkouts[0]
	if c.User != "jsmith" || c.Host != "machine1" || c.Display != "w%.=H@QVO!;~_8'" || c.Server != "MYSERVER-GIS" {
		t.Errorf("first line of ARC/INFO: %+v", c)
	}
}

func TestSampleTokensKeepTheirProduct(t *testing.T) {
	sec := section(t, "flexnet/lmstat-f-mscone-tokens-ELIDED.txt")
	var got []int64
	for _, c := range sec.Features[0].Checkouts {
		got = append(got, c.Licenses)
		if !strings.HasPrefix(c.Extra, "MSCONE:ADAMS_") {
			t.Errorf("line %d: extra %q, want the product", c.Line, c.Extra)
		}
	}
	if diff := diffOf([]int64{5, 1, 5, 1, 5, 1}, got); diff != "" {
		t.Errorf("licenses per line: -want +got\n%s", diff)
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	s := parseStatus(t, formattest.Sample(t, "flexnet/lmstat-error-connection-refused.txt"), flexnet.StatusOptions{})
	if !strings.Contains(s.Error, "(-15,570:111") || len(s.Sections) != 0 || len(flexnet.Snapshots(s)) != 0 {
		t.Errorf("error %q, %d sections; want the server's words and no section", s.Error, len(s.Sections))
	}
	if want := time.Date(2021, 3, 31, 9, 12, 0, 0, time.UTC); !s.At.Equal(want) {
		t.Errorf("At = %v, want %v", s.At, want)
	}
}

func TestSampleVersions(t *testing.T) {
	for name, want := range map[string]string{
		"flexnet/lmstat-version-2016.txt": "11.14.0.1 build 188735 x64_lsb",
		"flexnet/lmstat-version-2005.txt": "",
	} {
		if s := parseStatus(t, formattest.Sample(t, name), flexnet.StatusOptions{}); s.Version != want {
			t.Errorf("%s: version %q, want %q", name, s.Version, want)
		}
	}
}

func TestSampleCitrixOldLayout(t *testing.T) {
	sec := section(t, "citrix/lmstat-a-citrix-docs-11.10-TRUNCATED.txt")
	if !strings.HasSuffix(sec.Files, `citrixlic_20031001094430.lic:`) || !strings.Contains(sec.Files, "citrix_startup.lic:C:") {
		t.Errorf("license files %q, want both", sec.Files)
	}
	if diff := diffOf([]flexnet.DaemonUp{{Name: "CITRIX", Up: true, Version: "9.2"}}, sec.Daemons); diff != "" {
		t.Errorf("daemons: -want +got\n%s", diff)
	}
}
