package flexnet_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
)

// logVariants says what each row of the table of captured lines means: the
// event without date, or nil for a line that is none and is not unread.
var logVariants = map[string]*flexnet.LogEvent{
	"out":       variant(flexnet.LogOut, "adskflex", "64300ACD_F", "USER01", "COMPUTER01"),
	"out-count": withCount(variant(flexnet.LogOut, "ansyslmd", "hfsshpc", "hpcuser01", "node7005.cluster.example.edu"), 20, ""),
	"out-token-product-and-count": withCount(
		variant(flexnet.LogOut, "MSC", "MSCONE", "user_01", "machine_01"), 13, "MSCONE:NASTRAN"),
	"out-user-with-space":  variant(flexnet.LogOut, "MLM", "MATLAB", "Jane Doe", "PC-0001"),
	"out-user-non-ascii":   variant(flexnet.LogOut, "maplelmg", "Maple", "Mª Pilar", "PC-0002"),
	"out-unquoted-feature": withCount(variant(flexnet.LogOut, "telelogic", "TLSTOK-token", "user01", "host01"), 3, "DOORS"),
	"in":                   variant(flexnet.LogIn, "adskflex", "64300ACD_F", "USER01", "COMPUTER01"),
	"in-inactive":          withReason(variant(flexnet.LogIn, "adskflex", "64300ACD_F", "USER01", "COMPUTER01"), "INACTIVE", 0, ""),
	"in-shutdown":          withReason(variant(flexnet.LogIn, "MLM", "MATLAB", "user01", "host01"), "SHUTDOWN", 0, ""),
	"denied-count": withReason(variant(flexnet.LogDenied, "adskflex", "64300ACD_F", "USER01", "COMPUTER01"),
		"Licensed number of users already reached. (-4,342)", -4, ""),
	"denied-with-errno": withReason(withCount(variant(flexnet.LogDenied, "telelogic", "DOORS", "user01", "host01"), 1, "telelogic"),
		`Licensed number of users already reached. (-4,342:10054 "")`, -4, ""),
	"denied-exclude": withReason(variant(flexnet.LogDenied, "saltd", "NX93300_features_modeling-nx", "user01", "host01"),
		"User/host on EXCLUDE list for feature. (-38,348)", -38, ""),
	"unsupported-port-at-host": withReason(variant(flexnet.LogUnsupported, "MLM", "MATLAB", "user01", "host01"),
		"License server system does not support this feature. (-18,327)", -18, "PORT_AT_HOST_PLUS"),
	"unsupported-hex-key": withReason(variant(flexnet.LogUnsupported, "MLM", "MATLAB", "user01", "host01"),
		"No such feature exists. (-5,346)", -5, "BF04C1B183DD400E147F"),
	"unsupported-hex-key-with-spaces": withReason(variant(flexnet.LogUnsupported, "adskflex", "87537INVPROSA_2022_0F", "user01", "host01"),
		"No such feature exists. (-5,346)", -5, "00B0 EF6E AFC6 B280"),

	"timestamp-lmgrd":      {Kind: flexnet.LogMark},
	"timestamp-daemon":     {Kind: flexnet.LogMark, Daemon: "MLM"},
	"started-lmgrd":        {Kind: flexnet.LogStart},
	"start-date-with-zone": {Kind: flexnet.LogStart},
	"daemon-started":       {Kind: flexnet.LogStart, Daemon: "adskflex", Reason: "Started adskflex (pid 1884)"},
	"daemon-shutdown":      {Kind: flexnet.LogShutdown, Reason: "daemon shutdown requested - shutting down"},
	"exiting":              {Kind: flexnet.LogExit, Daemon: "MLM", Reason: "EXITING DUE TO SIGNAL 15"},
	"reread-request":       {Kind: flexnet.LogReread, Reason: "Rereading license file... Requested from admin@lic01"},
	"reread-daemon":        {Kind: flexnet.LogReread, Daemon: "adskflex", Reason: "Rereading license file..."},
	"reread-options":       {Kind: flexnet.LogReread, Daemon: "adskflex", Reason: "Rereading options file..."},

	"slog-date": nil, "slog-request": nil, "slog-request-with-memory": nil,
	"served-features-first": nil, "served-features-more": nil,
	"served-features-package": nil, "served-features-package-end": nil,
	"expired": nil, "reserving": nil, "borrow-limit": nil, "inactivity-timeout": nil,
	"checkin-failed": nil, "checkin-failed-second-line": nil, "reread-done": nil,
	"raw-no-prefix": nil, "noise": nil,
}

func variant(kind flexnet.LogKind, daemon, feature, user, host string) *flexnet.LogEvent {
	return &flexnet.LogEvent{Kind: kind, Daemon: daemon, Feature: feature, User: user, Host: host, Licenses: 1}
}

func withCount(e *flexnet.LogEvent, n int64, extra string) *flexnet.LogEvent {
	e.Licenses, e.Extra = n, extra
	return e
}

func withReason(e *flexnet.LogEvent, reason string, code int, key string) *flexnet.LogEvent {
	e.Reason, e.Code, e.Key = reason, code, key
	return e
}

func TestEveryVariantOfALogLineIsUnderstood(t *testing.T) {
	rows := statusRows(t, "flexnet/debuglog-line-variants.tsv")
	for id, want := range logVariants {
		line, ok := rows[id]
		if !ok {
			t.Errorf("%s is not in the table", id)
			continue
		}
		t.Run(id, func(t *testing.T) { checkLogVariant(t, line, want) })
	}
	for id := range rows {
		if _, ok := logVariants[id]; !ok {
			t.Errorf("%s: the table has a row that no test reads", id)
		}
	}
}

// checkLogVariant reads a line alone: a file may be cut anywhere.
func checkLogVariant(t *testing.T, line string, want *flexnet.LogEvent) {
	t.Helper()
	events, file := readLog(t, line+"\r\n", flexnet.LogOptions{})
	if file.UnreadLines != 0 {
		t.Errorf("%q is unread", line)
	}
	if want == nil {
		if len(events) != 0 {
			t.Errorf("%q is the event %+v, want none", line, events[0])
		}
		return
	}
	if len(events) != 1 {
		t.Fatalf("%q gives %d events, want 1", line, len(events))
	}
	got := events[0]
	got.At, got.Wall, got.Line = time.Time{}, time.Time{}, 0
	if diff := diffOf(*want, got); diff != "" {
		t.Errorf("%q: -want +got\n%s", line, diff)
	}
}

func TestListOfServedFeaturesIsReadOverManyLines(t *testing.T) {
	rows := statusRows(t, "flexnet/debuglog-line-variants.tsv")
	log := rows["served-features-first"] + "\n" + rows["served-features-more"] + "\n" +
		rows["served-features-package"] + "\n" + rows["served-features-package-end"] + "\n"
	r := flexnet.NewLogReader(strings.NewReader(log), flexnet.LogOptions{})
	if _, err := r.Next(); err == nil {
		t.Fatal("a list of features is an event, want none")
	}
	want := []flexnet.LogDaemon{
		{
			Name:     "adskflex",
			Features: []string{"64300ACD_F"},
			Packages: []flexnet.LogPackage{{Name: "64300ACD_F", Members: []string{
				"86295ACD_2015_0F", "86063ACD_2014_0F", "85871ACD_2013_0F", "85730ACD_2012_0F",
			}}},
		},
		{Name: "ansyslmd", Features: []string{"aa_r_hpc", "al4zuken", "alinks_gui", "designer_desktop"}},
	}
	if diff := diffOf(want, r.Daemons()); diff != "" {
		t.Errorf("daemons: -want +got\n%s", diff)
	}
}
