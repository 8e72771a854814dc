package report_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/license"
	"headroom/internal/report"
)

// samples returns the folder of real captures. Where it is missing the test
// is skipped, and fails in CI.
func samples(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HEADROOM_SAMPLES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "samples")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no samples: %v", err)
		}
		t.Skipf("no samples: %v", err)
	}
	return dir
}

func source(path string, text []byte) report.Source {
	return report.Source{Path: path, Size: int64(len(text)), Data: bytes.NewReader(text)}
}

func make1(t *testing.T, sources ...report.Source) report.Report {
	t.Helper()
	r, err := report.Make(sources, report.Options{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// totals are the sums over a report's features that the samples' index states.
type totals struct{ features, counted, installed, inUse, checkouts, reserved, uncounted int64 }

func sum(r report.Report) (s totals) {
	for _, f := range r.Features {
		s.features++
		switch f.StateName {
		case "counted":
			s.counted++
		case "uncounted":
			s.uncounted++
		}
		s.installed += f.Installed.N
		s.inUse += f.InUse.N
		s.checkouts += f.Checkouts.N
		s.reserved += f.Reserved.N
	}
	return s
}

// The facts of the samples' index, through the whole of a report.
func TestStatusSamplesGiveTheFactsOfTheirIndex(t *testing.T) {
	dir := samples(t)
	for file, want := range map[string]totals{
		"lmstat-a-v11.7-triad-fqdn-10features.txt":                   {features: 10, counted: 10, installed: 1297, inUse: 38, checkouts: 38},
		"lmstat-a-v11.14-triad-two-daemons-46features.txt":           {features: 46, counted: 46, installed: 1254, inUse: 206, checkouts: 168},
		"lmstat-a-v11.19.6-matlab-pid-122features.txt":               {features: 122, counted: 118, uncounted: 4, installed: 1_560_001, inUse: 116, checkouts: 85},
		"lmstat-a-v11.19.7-matlab-mixed-pools-group-reservation.txt": {features: 53, counted: 52, uncounted: 1, installed: 1303, inUse: 112, checkouts: 106, reserved: 6},
		"lmstat-a-v11.13-triad-one-server-down.txt":                  {features: 2, counted: 2, installed: 288, inUse: 39},
		"lmstat-v11.14-windows-server-listed-twice.txt":              {},
		"lmstat-i-expires-column-before-vendor.txt":                  {features: 16},
		"lmstat-a-v11.16.2-arcgis-crlf-encrypted-display.txt":        {features: 11, counted: 11, installed: 48, inUse: 3, checkouts: 3},
		"lmstat-a-v11.16.5-totals-without-user-lines.txt":            {features: 5, counted: 5, installed: 13, inUse: 5},
		"lmstat-a-v11.14-matlab-hpc-51features-375checkouts.txt":     {features: 51, counted: 51, installed: 500_600, inUse: 375, checkouts: 375},
		"lmstat-f-extra-checkout-data-before-version-ELIDED.txt":     {features: 1, counted: 1, installed: 42800, inUse: 1600, checkouts: 3},
		"lmstat-f-mscone-tokens-ELIDED.txt":                          {features: 1, counted: 1, installed: 750, inUse: 18, checkouts: 6},
		"lmstat-error-connection-refused.txt":                        {},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "flexnet", file))
			if err != nil {
				t.Fatal(err)
			}
			r := make1(t, source(file, text))
			got := sum(r)
			if file == "lmstat-i-expires-column-before-vendor.txt" { // the index states only its names
				got = totals{features: got.features}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if r.Files[0].Unread != 0 && !strings.Contains(file, "ELIDED") {
				t.Errorf("%d lines unread", r.Files[0].Unread)
			}
			for _, f := range r.Features {
				if f.InUse.Known && (f.Peak.Value != f.InUse || f.Peak.Basis != license.BasisSampled) {
					t.Errorf("%s: peak %v %s, want its value %v, sampled", f.Feature, f.Peak.Value, f.Peak.Basis, f.InUse)
				}
			}
		})
	}
}

func TestLogSamplesGiveTheFactsOfTheirIndex(t *testing.T) {
	type facts struct{ out, in, denied, features, open, openCheckouts int64 }
	dir := samples(t)
	for file, want := range map[string]facts{
		"debuglog-v11.14-autodesk-14days-full.log":                     {out: 170, in: 168, denied: 2, features: 7, open: 2, openCheckouts: 2},
		"debuglog-v11.12-autodesk-packages-inactive-7days-EXCERPT.log": {out: 416, in: 416, features: 5},
		"debuglog-v11.13-ansys-multi-license-3days-PSEUDONYMISED.log":  {out: 327, in: 318, features: 4},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "flexnet", file))
			if err != nil {
				t.Fatal(err)
			}
			var got facts
			for _, f := range make1(t, source(file, text)).Features {
				if f.Out.N+f.In.N > 0 {
					got.features++
				}
				got.out += f.Out.N
				got.in += f.In.N
				got.denied += f.Denied.N
				if want.open != 0 {
					got.open += f.Open.N
					got.openCheckouts += f.OpenCheckouts.N
				}
				if f.Feature == "hfsshpc" {
					if f.Checkouts.N != 147 || f.CheckedOut.N != 1250 || f.Peak.Value.N != 108 || f.Open.N != 86 || f.OpenCheckouts.N != 5 {
						t.Errorf("hfsshpc: %+v", f.Figures)
					}
				}
				if f.Feature == "64300ACD_F" && file[10:15] == "11.12" && f.Peak.Value.N != 11 {
					t.Errorf("64300ACD_F: peak %v, want 11", f.Peak.Value)
				}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestBorrowedSampleGivesItsCountsPerFeature(t *testing.T) {
	file := filepath.Join(samples(t), "flexnet", "lmstat-a-v11.13-ixia-borrowed-linger-huge-counts.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]int64{
		"ixchariot_fs": {186, 76}, "chr_video_fs": {186, 75}, "chr_voip_fs": {186, 78}, "chr_ip6_fs": {186, 76}, "chr_pairs_fs": {5000, 2020},
	}
	for _, f := range make1(t, source(file, text)).Features {
		switch w, ok := want[f.Feature]; {
		case ok:
			if f.Installed != license.Of(w[0]) || f.InUse != license.Of(w[1]) {
				t.Errorf("%s: %v of %v, want %d of %d", f.Feature, f.InUse, f.Installed, w[1], w[0])
			}
			delete(want, f.Feature)
		case f.Feature == "ixchariot_blank":
			if f.StateName != "unlimited" || f.Installed.Known || f.InUse != license.Of(0) {
				t.Errorf("ixchariot_blank: %s, installed %v, in use %v", f.StateName, f.Installed, f.InUse)
			}
		case f.Feature == "IXFEATURE":
			if f.StateName != "uncounted" || f.Installed.Known {
				t.Errorf("IXFEATURE: %s, installed %v", f.StateName, f.Installed)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the report: %v", want)
	}
}

// unreadFor says why captures have lines that no rule understands, or are of no
// format that is read; the shortest name of a folder or file counts.
var unreadFor = map[string]string{
	"flexnet/lmstat-f-mscone-tokens-ELIDED.txt":                      "lines were left out by the donor, who wrote dots for them",
	"flexnet/lmstat-f-extra-checkout-data-before-version-ELIDED.txt": "lines were left out by the donor, who wrote dots for them",
	"rlm/reportlog-std-v8-truncated-record.log":                      "a record is cut short",
	"citrix": "objects that PowerShell printed, reports of other tools, pieces of texts; the license files and lmstat outputs " +
		"among them have parts of other texts",
	"keygen-relay": "answers of an interface that nobody calls: the table of its own tool is what is read",
}

// Every capture is read by a report without an error and without an unread line,
// or it stands in the list why not. Tables of line variants are no captures.
func TestEveryCaptureIsReported(t *testing.T) {
	dir, read := samples(t), 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".tsv") {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file := make1(t, source(name, text)).Files[0]
		folder, _, _ := strings.Cut(name, "/")
		if unreadFor[name] == "" && unreadFor[folder] == "" && (file.Unread > 0 || file.Format == "unknown") {
			t.Errorf("%s: %s with %d of %d lines unread, want none or a reason in unreadFor", name, file.Format, file.Unread, file.Lines)
		}
		read++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 60 {
		t.Errorf("%d captures, want at least 60", read)
	}
}

// What the index says of captures of other managers, through a report.
func TestOtherManagersSamplesGiveTheFactsOfTheirIndex(t *testing.T) {
	dir := samples(t)
	for file, want := range map[string]string{
		"rlm/rlmstat-a-v12.2-csci-3checkouts.txt":                               "converge_super 1000/93 by 2 users; 5 products",
		"lmx/licstat-v3.32-altair-units-custom-share.txt":                       "GlobalZoneEU 1000003/40000 by 1 users; 7 products",
		"dsls/getLicenseUsage-csv-6.425.4-tokens.txt":                           "SRU 2374/1559 by 3 users; 10 products",
		"dsls/text-all-6.425.0-german-dates-named-user-PLACEHOLDERS-FILLED.txt": "DRTEST 1/1 by 1 users; 1 products",
		"lsdyna/lstc_qrun-r-shared-pool-in-use.txt":                             "LICENSE GROUP 500/440 by 4 users; 1 products",
		"olicense/olixtool-4.8-in-use-utf8.txt":                                 "ftire_adams 4/3 by 2 users; 1 products",
		"mathlm/monitorlm-11.2-text-WHITESPACE-COLLAPSED.txt":                   "MathKernel 40/4 by 1 users; 4 products",
		"sentinel/lsmon-9.1-first-feature-no-clients.txt":                       "ARMS_ID 99999/0 by 0 users; 1 products",
		"citrix/checkmk-citrix_licenses-section-testset.txt":                    "MPS_ENT_CCU 2182/1658 by unknown users; 6 products",
		"rlm/reportlog-std-v10-two-runs.log":                                    "out 5 in 3 denied 1",
		"rlm/reportlog-std-v8-truncated-record.log":                             "out 1 in 2 denied 0",
		"rlm/isvlog-out-in-denied-reread.log":                                   "out 5 in 3 denied 1",
		"sentinel/usage-log-v7.00-four-lines.log":                               "out 1 in 1 denied 0",
		"mathlm/mathlm-12.0-server-log-grant-and-return.log":                    "out 1 in 1 denied 0",
	} {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		r := make1(t, source(file, text))
		if got := gist(r); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// gist says the most of a status and the lines of a log.
func gist(r report.Report) string {
	var out, in, denied int64
	top, isLog := report.Feature{}, false
	for _, f := range r.Features {
		isLog = isLog || f.Out.Known
		out, in, denied = out+f.Out.N, in+f.In.N, denied+f.Denied.N
		if top.Place.Feature == "" || f.InUse.N > top.InUse.N && f.Installed.Known {
			top = f
		}
	}
	if isLog {
		return fmt.Sprintf("out %d in %d denied %d", out, in, denied)
	}
	return fmt.Sprintf("%s %v/%v by %v users; %d products", top.Place.Feature, top.Installed, top.InUse, top.Users, len(r.Products))
}
