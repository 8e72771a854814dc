package rlm

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

var (
	headingLine = regexp.MustCompile(`^(\S+) (?:(ISV server|license pool|license usage) )?status on (\S+) \(port (\d+)\)(?:, up .*)?$`)
	versionLine = regexp.MustCompile(`^\S+ software version v?(\S+)`)
	selfNote    = regexp.MustCompile(`^(\S+ (comm version|(Debug|debug|info|Report|report) log filename):|(Messages|Connections|Checkouts|Denials|Removals):)`)
	momentLine  = regexp.MustCompile(`^(?:Startup time|(?:Todays|Recent) Statistics \(([^)]+)\), init time): (.*)$`)
	vendorLine  = regexp.MustCompile(`^(\S+)\s+\d+\s+(\S+)\s+\d+$`)
	poolLine    = regexp.MustCompile(`^(.+) v(\d[^\s,:]*)(?:, pool: (\d+))?$`)
	useLine     = regexp.MustCompile(`^(.+?) v(\d\S*): (.*)@(\S*) (\d+)/(\d+) at (\S+) (\S+)\s+\(handle: ([^\s)]+)\)\s*(.*)$`)
)

// A heading opens a part of a status.
type heading struct {
	name string // "rlm" or a vendor's
	of   string // "ISV server", "license pool", "license usage"; empty for rlm itself
	host string
	port int
}

// readHeading reads "acme license pool status on lic01 (port 51001)".
func readHeading(t string) (heading, bool) {
	m := headingLine.FindStringSubmatch(t)
	if m == nil {
		return heading{}, false
	}
	port, err := strconv.ParseUint(m[4], 10, 16)
	return heading{name: m[1], of: m[2], host: m[3], port: int(port)}, err == nil
}

// isRule recognises the line between two parts.
func isRule(t string) bool { return len(t) >= 5 && strings.Trim(t, "-") == "" }

// setsPath begins the line in which rlmutil repeats the license path.
const setsPath = "Setting license file path to "

// isPreamble recognises what rlmutil says before it asks a server.
func isPreamble(t string) bool {
	return strings.HasPrefix(t, setsPath) || strings.HasPrefix(t, "rlmutil v") || strings.HasPrefix(t, "rlmstat v") ||
		strings.HasPrefix(t, "Copyright (C) ") && strings.Contains(t, "Reprise Software")
}

// readVersion reads "rlm software version v12.2 (build:2)".
func readVersion(t string) (string, bool) {
	m := versionLine.FindStringSubmatch(t)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// readMoment reads a time at which a server was up: "Startup time: Tue Dec 30
// 07:00:02 2025", or the end of "Recent Statistics (00:10:00), init time: Fri
// Jan  2 09:00:13 2026", which is when it was asked.
func readMoment(t string, zone *time.Location) (time.Time, bool) {
	m := momentLine.FindStringSubmatch(t)
	if m == nil {
		return time.Time{}, false
	}
	w := strings.Fields(m[2])
	if len(w) != 5 {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation("Jan 2 15:04:05 2006", strings.Join(w[1:], " "), zone)
	if err != nil {
		return time.Time{}, false
	}
	lasted, ok := readSpan(m[1])
	return at.Add(lasted).UTC(), ok || m[1] == ""
}

// readSpan reads "3d 02:10:11" and "00:10:00".
func readSpan(s string) (time.Duration, bool) {
	days := 0
	if d, rest, found := strings.Cut(s, "d "); found {
		n, err := strconv.ParseUint(d, 10, 16)
		if err != nil {
			return 0, false
		}
		days, s = int(n), rest
	}
	c, ok := text.ParseClock(s)
	return time.Duration(days)*24*time.Hour + time.Duration(c.Hour)*time.Hour +
		time.Duration(c.Minute)*time.Minute + time.Duration(c.Second)*time.Second, ok
}

// isSelfNote recognises what a server says of itself and we need not know: its
// log files and the table of counters.
func isSelfNote(t string) bool {
	if selfNote.MatchString(t) {
		return true
	}
	w := strings.Fields(t)
	if strings.Join(w, " ") == "Recent Stats Todays Stats Total Stats" {
		return true
	}
	for _, span := range w { // "00:10:00  09:10:08  3d 02:10:11"
		_, isSpan := readSpan(span)
		_, isDays := readSpan(span + " 0:00")
		if !isSpan && !isDays {
			return false
		}
	}
	return true
}

// portInPath returns the port of a license path, such as
// "5053@lic01:5053@lic02", for a host; 0 if there is none.
func portInPath(path, host string) int {
	places := strings.FieldsFunc(path, func(r rune) bool { return r == ':' || r == ';' })
	for _, place := range places {
		port, at, found := strings.Cut(place, "@")
		n, err := strconv.ParseUint(port, 10, 16)
		if found && err == nil && (len(places) == 1 || license.FoldName(at) == license.FoldName(host)) {
			return int(n)
		}
	}
	return 0
}

// maxDigits is how many digits a number is believed to have.
const maxDigits = 10

// readCount reads a number of licenses.
func readCount(s string) (int64, bool) {
	if len(s) > maxDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
