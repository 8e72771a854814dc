package collect_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/format/text"
)

// rlmReport is a report log of RLM, whose pools are numbered anew.
const rlmReport = `
RLM Report Log Format 0, version 14.0, authenticated
ISV: acme, RLM version 14.0 BL1
Logfile format Copyright (C) 2006-2013 Reprise Software, Inc.

START lic01 03/03/2026 08:00:00
PRODUCT solver 5.1 1 8 0 8 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
03/03/2026 08:00
OUT solver 5.1 1 kim ws1 "" 4 4 0 101 101 7b1 "" "" "" 03/03 08:10:00
DENY solver 5.1 lee ws2 "" 8 -22 1 03/03 08:11
IN 1 solver 5.1 kim ws1 "" 4 0 0 101 03/03 08:20:00
OUT solver 5.1 1 kim ws1 "" 2 2 0 101 101 7b1 "" "" "" 03/03 08:25:00
REREAD adm lic01 03/03 08:30:00
PRODUCT viewer 2.0 1 3 0 3 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
PRODUCT solver 5.1 2 6 0 6 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
OUT solver 5.1 2 lee ws2 "" 1 3 0 141 141 7b2 "" "" "" 03/03 08:40:00
03/03/2026 09:00
`

// rlmSmall is one in the small format, in which checkouts share licenses.
const rlmSmall = `
RLM Report Log Format 1, version 14.0, authenticated
ISV: acme, RLM version 14.0 BL1
Three lines about the format

START lic01 03/03/2026 08:00
PRODUCT viewer 2.0 1 4 0 4 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
INUSE viewer 2.0 1 kim ws1 "" 1 41 41 7b1 03/03 08:00:00
INUSE viewer 2.0 1 kim ws1 "" 1 81 41 7b2 03/03 08:00:00
03/03/2026 08:00
OUT viewer 2.0 lee ws2 "" 2 c1 c1 08:10
IN 1 1 41 08:15
OUT viewer 2.0 kim ws1 "" 1 181 81 08:16
IN 1 2 c1 08:20
IN 1 1 81 08:25
IN 1 1 181 08:30
03/03/2026 08:30
`

// mathlmLog is a log of MathLM.
const mathlmLog = `lic06 - root [03/Mar/2026:08:00:00] "MathLM 14.1 executable launched" "/opt/wolfram/mathlm" -
ws1 - kim [03/Mar/2026:08:01:12] "Kernel License requested" "License #1 granted" -
ws2 - lee [03/Mar/2026:08:05:00] "Kernel License requested" "License #2 granted" -
ws3 - max [03/Mar/2026:08:06:00] "Kernel License requested" "No licenses are available" -
ws1 - kim [03/Mar/2026:08:20:00] "Kernel License returned" "License #1 accepted" -
ws4 - zoe [03/Mar/2026:08:30:00] "Kernel License requested" "License #1 granted" -
`

// sentinelLog is a usage log of Sentinel RMS.
const sentinelLog = `# Startup Sentinel RMS Development Kit v9.70 Tue Mar  3 08:00:00 2026  1772524800 lic01 140 4294489039
2 0 MTI1 Tue Mar  3 08:10:00 2026  1772525400 MESHER 12.0 0 12 0 kim ws1 9.7.0 12 - MA== 754986 OTM1MzQ1Nzk5
2 0 MTI1 Tue Mar  3 08:11:00 2026  1772525460 MESHER 12.0 1 12 0 lee ws2 9.7.0 30 - MQ== 905242 MTY2MDIyOA==
2 0 MTI1 Tue Mar  3 08:20:00 2026  1772526000 MESHER 12.0 2 0 600 kim ws1 9.7.0 12 - NQ== 905246 MTY2MDIzMg==
`

// everything shows what was told, by pool.
func (w *told) everything() string {
	var lines []string
	for pool, spans := range w.use {
		for _, e := range spans {
			line := fmt.Sprintf("%s %s-%s exact=%t %d", pool, e.From.Format("15:04:05"), e.To.Format("15:04:05"), e.Exact, e.Start)
			for _, s := range e.Steps {
				line += fmt.Sprintf(" %s:%d/%d", s.At.Format("15:04"), s.InUse, s.High)
			}
			lines = append(lines, line)
		}
	}
	for _, d := range w.sorted().denials {
		lines = append(lines, fmt.Sprintf("%s %s refused %s: %s, %s", d.Pool, d.At.Format("15:04:05"), d.User, d.Reason, d.Outcome))
	}
	for pool, n := range w.installed {
		lines = append(lines, fmt.Sprintf("%s has %v", pool, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// toldOnce reads a log at once, some time after its end.
func toldOnce(t testing.TB, name, log string, now time.Time) *told {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := collect.NewEventLog(path, logFormat(t, name), "", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	w := &told{}
	res, err := r.Read(t.Context())
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	w.add(t, res)
	return w
}

func logFormat(t testing.TB, name string) collect.LogFormat {
	t.Helper()
	f, err := collect.LogReaders[name](time.UTC, "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLogsOfOtherManagersBecomeUse(t *testing.T) {
	for name, c := range map[string]struct {
		reader, log string
		want        []string
	}{
		"RLM, numbered anew": {"rlm-report-log", rlmReport, []string{
			"solver (1) 08:00:00-08:30:00 exact=true 0 08:10:4/4 08:20:0/0 08:25:2/2",
			"solver (1) 08:11:00 refused lee: all licenses in use, unserved",
			"solver (1) 08:30:00-09:58:55 exact=false 2 08:30:0/0",
			"solver (1) has 0",
			"solver (2) 08:30:00-08:40:00 exact=false 0",
			"solver (2) 08:40:00-09:58:55 exact=true 0 08:40:3/3",
			"solver (2) has 6",
			"viewer (1) 08:30:00-09:58:55 exact=false 0",
			"viewer (1) has 3",
		}},
		"RLM, small": {"rlm-report-log", rlmSmall, []string{
			"viewer (1) 08:00:00-09:58:55 exact=true 0 08:00:1/1 08:10:3/3 08:20:1/1 08:30:0/0",
			"viewer (1) has 4",
		}},
		"MathLM": {"mathlm-log", mathlmLog, []string{
			"MathKernel 08:01:12-09:58:55 exact=true 0 08:01:1/1 08:05:2/2 08:20:1/1 08:30:2/2",
			"MathKernel 08:06:00 refused max: No licenses are available, unserved",
		}},
		"Sentinel": {"sentinel-log", sentinelLog, []string{
			"MESHER (12.0) 08:10:00-09:58:55 exact=true 0 08:10:12/12 08:20:0/0",
			"MESHER (12.0) 08:11:00 refused lee: the license was denied, unserved",
		}},
	} {
		got := toldOnce(t, c.reader, c.log, at("10:00:00")).everything()
		if diff := gocmp.Diff(strings.Join(c.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// logs are all logs that tests have for a reader.
func logs(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{
		"rlm-report-log": {rlmReport, rlmSmall}, "mathlm-log": {mathlmLog}, "sentinel-log": {sentinelLog},
	}
	samples := cmp.Or(os.Getenv("HEADROOM_SAMPLES"), "../../../../shared/samples")
	for reader, patterns := range map[string][]string{
		"rlm-report-log": {"../../format/rlm/testdata/reportlog/*.log", filepath.Join(samples, "rlm", "reportlog-*.log")},
		"rlm-log":        {"../../format/rlm/testdata/isvlog/*.log", filepath.Join(samples, "rlm", "isvlog-*.log")},
		"mathlm-log":     {"../../format/mathlm/testdata/log/*.log", filepath.Join(samples, "mathlm", "*.log")},
		"sentinel-log":   {"../../format/sentinel/testdata/log/*.log", filepath.Join(samples, "sentinel", "usage-*.log")},
	} {
		for _, pattern := range patterns {
			names, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if len(names) == 0 && os.Getenv("CI") != "" {
				t.Errorf("%s: no such file", pattern)
			}
			for _, name := range names {
				b, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all[reader] = append(all[reader], string(b))
			}
		}
	}
	return all
}

// latest returns the newest instant that a log tells.
func latest(t *testing.T, f collect.LogFormat, log string, changed time.Time) (out time.Time) {
	t.Helper()
	s, err := f.Open(strings.NewReader(log), changed)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = later(out, e.At)
	}
}

func TestLogsOfOtherManagersAreTheSameLineByLine(t *testing.T) {
	for name, all := range logs(t) {
		if name == "rlm-log" {
			continue
		}
		for _, log := range all {
			f := logFormat(t, name)
			changed := latest(t, f, log, day)
			if changed.IsZero() {
				continue
			}
			path := filepath.Join(t.TempDir(), "log")
			var now time.Time
			r, err := collect.NewEventLog(path, f, "", func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			got := &told{}
			have := ""
			for line := range strings.SplitAfterSeq(log, "\n") {
				have += line
				if err := os.WriteFile(path, []byte(have), 0o600); err != nil {
					t.Fatal(err)
				}
				if now = latest(t, f, have, changed); now.IsZero() {
					continue
				}
				got.add(t, read(t, r))
			}
			now = changed.Add(time.Hour)
			got.add(t, read(t, r))
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(toldOnce(t, name, log, now).everything(), got.everything()); diff != "" {
				t.Errorf("%s (-whole +line by line):\n%s\n%s", name, diff, log)
			}
		}
	}
}

func TestLogsOfOtherManagersAreImportedInHalves(t *testing.T) {
	for name, all := range logs(t) {
		for _, log := range all {
			of := func(b []byte) text.File {
				return text.File{Path: "log", Size: int64(len(b)), Data: bytes.NewReader(b), Changed: day.AddDate(0, 6, 0)}
			}
			o := collect.PastOptions{As: name}
			want := newKept()
			want.add(t, past(t, o, of([]byte(log))))
			for cut := 0; cut < len(log); cut += 1 + len(log)/97 {
				got := newKept()
				got.add(t, past(t, o, of([]byte(log[:cut]))))
				got.add(t, past(t, o, of([]byte(log))))
				if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(kept{})); diff != "" {
					t.Fatalf("%s cut at %d: -whole +both\n%s\n%s", name, cut, diff, log)
				}
			}
			if len(want.days) == 0 && strings.Contains(log, "OUT ") {
				t.Errorf("%s: nothing of this became history:\n%s", name, log)
			}
		}
	}
}
