package flexnet

import (
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// maxDigits bounds counts so that a sum of all that a status can hold stays
// within an int64.
const maxDigits = 12

// statusCount reads a number of licenses.
func statusCount(s string) (int64, bool) {
	if s == "" || len(s) > maxDigits || s[0] == '-' || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// splitFeatureLine divides "Users of NAME: REST". NAME may hold anything but a
// colon that a blank follows.
func splitFeatureLine(t string) (name, rest string, ok bool) {
	t, ok = strings.CutPrefix(t, "Users of ")
	if !ok {
		return "", "", false
	}
	for i := range len(t) {
		if t[i] == ':' && (i+1 == len(t) || t[i+1] == ' ' || t[i+1] == '\t') {
			name = strings.TrimSpace(t[:i])
			return name, strings.TrimSpace(t[i+1:]), name != ""
		}
	}
	return "", "", false
}

// readFeatureCounts fills f from what stands behind a feature's name. It
// reports whether the text is one that lmstat is known to print; if not, the
// feature is unknown.
func readFeatureCounts(f *Feature, rest string) bool {
	lower := strings.ToLower(rest)
	switch {
	case strings.HasPrefix(lower, "(uncounted"):
		f.State = license.StateUncounted
		return true
	case strings.HasPrefix(lower, "(error"):
		f.State = license.StateError
		f.Error = errorWords(strings.TrimSuffix(rest[1:], ")"))
		return true
	case strings.HasPrefix(lower, "cannot get users of"), hasErrorCode(rest):
		f.State = license.StateError
		f.Error = errorWords(rest)
		return true
	}
	issued, used, ok := readTotals(rest)
	if !ok {
		f.Error = errorWords(rest)
		return false
	}
	f.InUse = license.Of(used)
	if issued >= license.UnlimitedFrom {
		f.State = license.StateUnlimited
		return true
	}
	f.State, f.Installed = license.StateCounted, license.Of(issued)
	return true
}

// readTotals reads "(Total of N licenses issued;  Total of M licenses in use)".
func readTotals(s string) (issued, used int64, ok bool) {
	s, ok = strings.CutPrefix(s, "(")
	if !ok || !strings.HasSuffix(s, ")") {
		return 0, 0, false
	}
	first, second, ok := strings.Cut(strings.TrimSuffix(s, ")"), ";")
	if !ok {
		return 0, 0, false
	}
	issued, ok1 := readTotal(first, "issued")
	used, ok2 := readTotal(second, "in use")
	return issued, used, ok1 && ok2
}

// readTotal reads "Total of N license[s] WHAT". Issued may also be
// "unlimited".
func readTotal(s, what string) (int64, bool) {
	w := strings.Fields(s)
	if len(w) < 5 || w[0] != "Total" || w[1] != "of" || strings.TrimSuffix(w[3], "s") != "license" {
		return 0, false
	}
	if strings.Join(w[4:], " ") != what {
		return 0, false
	}
	if what == "issued" && strings.EqualFold(w[2], "unlimited") {
		return license.UnlimitedFrom, true
	}
	return statusCount(w[2])
}

// readPoolLine reads `"NAME" vVERSION, vendor: NAME[, expiry: DATE]`.
func readPoolLine(t string) (LicensePool, bool) {
	if !strings.HasPrefix(t, `"`) {
		return LicensePool{}, false
	}
	i := strings.LastIndex(t, ", vendor:")
	if i < 0 {
		return LicensePool{}, false
	}
	head := t[:i]
	quote := strings.LastIndexByte(head, '"')
	if quote < 1 {
		return LicensePool{}, false
	}
	vendor, expiry, _ := strings.Cut(t[i+len(", vendor:"):], ", expiry:")
	return LicensePool{
		Version: bareVersion(head[quote+1:]),
		Vendor:  strings.TrimSpace(vendor),
		Expiry:  strings.TrimSpace(expiry),
	}, true
}

// isPoolKind reports whether t says how the licenses of a pool are bound.
func isPoolKind(t string) bool {
	first, rest, _ := strings.Cut(strings.ToLower(t), " ")
	switch first {
	case "floating", "nodelocked", "node-locked", "uncounted":
		return strings.Contains(rest, "license") || strings.Contains(rest, "locked")
	}
	return false
}

// bareVersion returns "v11.13.0" as "11.13.0".
func bareVersion(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "v") }

// errorWords keeps an error text readable and short.
func errorWords(s string) string {
	return facts.Shorten(strings.Join(strings.Fields(s), " "), facts.MaxText)
}

// hasErrorCode reports whether t ends as FlexNet errors do:
// (MAJOR,MINOR[:ERRNO "text"]), MAJOR being negative.
func hasErrorCode(t string) bool {
	i := strings.LastIndex(t, "(-")
	if i < 0 || !strings.HasSuffix(t, ")") {
		return false
	}
	major, minor, ok := strings.Cut(t[i+2:len(t)-1], ",")
	if !ok {
		return false
	}
	minor, _, _ = strings.Cut(minor, ":")
	_, ok1 := statusCount(major)
	_, ok2 := statusCount(minor)
	return ok1 && ok2
}

// readServerLine reads "HOST: license server UP (MASTER) v11.13.0".
func readServerLine(t string) (ServerUp, bool) {
	const mark = ": license server "
	i := strings.Index(t, mark)
	if i <= 0 {
		return ServerUp{}, false
	}
	s := ServerUp{Host: t[:i]}
	words := strings.Fields(t[i+len(mark):])
	if len(words) == 0 {
		return ServerUp{}, false
	}
	s.Up = strings.EqualFold(words[0], "UP")
	for _, w := range words[1:] {
		switch {
		case strings.EqualFold(w, "(MASTER)"):
			s.Master = true
		case strings.HasPrefix(w, "v") && s.Version == "":
			s.Version = bareVersion(w)
		}
	}
	if !s.Up {
		s.Error = errorWords(t[i+2:])
	}
	return s, true
}

// readNamedState reads "NAME: UP v11.13.1" and "NAME: error text (-97,121)".
// NAME has no blank.
func readNamedState(t string) (DaemonUp, bool) {
	name, rest, ok := strings.Cut(t, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") || !strings.HasPrefix(rest, " ") {
		return DaemonUp{}, false
	}
	rest = strings.TrimSpace(rest)
	if rest == "UP" || strings.HasPrefix(rest, "UP ") {
		return DaemonUp{Name: name, Up: true, Version: bareVersion(rest[2:])}, true
	}
	if rest == "DOWN" || strings.HasPrefix(rest, "DOWN ") || hasErrorCode(rest) {
		return DaemonUp{Name: name, Error: errorWords(rest)}, true
	}
	return DaemonUp{}, false
}

// readHosts reads "28000@host1,28000@host2"; a port can be missing.
func readHosts(s string) []HostPort {
	var hosts []HostPort
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		h := HostPort{Host: part}
		if port, host, ok := strings.Cut(part, "@"); ok {
			h.Host = host
			h.Port = readPort(port)
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// readPort returns 0 for what is no port.
func readPort(s string) int {
	n, ok := statusCount(s)
	if !ok || n > 65535 {
		return 0
	}
	return int(n)
}

// readStatusDate reads "Fri 10/20/2017 17:02".
func readStatusDate(s string, zone *time.Location) (time.Time, bool) {
	w := strings.Fields(s)
	if len(w) != 3 {
		return time.Time{}, false
	}
	_, ok1 := text.Weekday(w[0])
	day, ok2 := text.ParseSlashDay(w[1])
	clock, ok3 := text.ParseClock(w[2])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	return day.At(clock, zone).UTC(), true
}
