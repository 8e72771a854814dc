package flexnet

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// A logSubject is what stands behind the keyword of an event: who, what and
// why. The same text comes back again and again, so each is parsed once and
// kept with its daemon.
type logSubject struct {
	feature, user, host string
	extra, key, reason  string
	licenses            int64
	code                int

	// loose says that the next line may belong to it: old daemons wrap theirs.
	loose bool

	account *logAccount // of the totals that read the log, if any
	denial  *logDenial
	asks    *denial.Request // folded; nil until it matters
}

// A logVerbose is the part between ^^^ marks, which a daemon adds to its lines
// when its vendor wants that. It is never the same twice.
type logVerbose struct {
	handle       string
	inUse, outOf license.Count
	day          int64
	dated        bool
	shared       bool // duplicate grouping took part in the checkout
}

var logVerboseMark = []byte("^^^")

// parseLogSubject reads
//
//	"FEATURE" USER@HOST  [EXTRA] (N licenses) (REASON)
//	"FEATURE" (KEY) USER@HOST  (REASON)
//
// where the quotes may be missing and everything behind HOST too. A kind of
// LogUnsupported has the second form.
func parseLogSubject(kind LogKind, line string, page encoding.Encoding) (*logSubject, bool) {
	feature, rest, quoted := logFeatureName(strings.Trim(line, " \t"))
	key := ""
	if kind == LogUnsupported && strings.HasPrefix(rest, "(") {
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return nil, false
		}
		key, rest = strings.Trim(rest[1:end], " \t"), strings.TrimLeft(rest[end+1:], " \t")
	}
	user, host, tail, ok := logUserHost(rest)
	if !ok || feature == "" {
		return nil, false
	}
	s := &logSubject{
		feature: logName(feature, page), user: logName(user, page), host: logName(host, page),
		key: logName(key, page), licenses: 1, loose: !quoted,
	}
	if !s.tail(tail, page) {
		return nil, false
	}
	refused := kind == LogDenied || kind == LogUnsupported
	if refused {
		s.code = logErrorCode(s.reason)
	}
	s.loose = s.loose || refused && s.reason == ""
	return s, true
}

// logFeatureName takes the feature off the front of a line.
func logFeatureName(line string) (name, rest string, quoted bool) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		name, rest, ok := strings.Cut(quoted, `"`)
		if !ok {
			return "", "", false
		}
		return name, strings.TrimLeft(rest, " \t"), true
	}
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return "", "", false
	}
	return line[:end], strings.TrimLeft(line[end:], " \t"), false
}

// logUserHost divides USER@HOST from what follows: at two blanks, a bracket or
// a parenthesis behind the first @. The last @ before that is the one between
// user and host; users may have blanks and an @ of their own, hosts have none.
func logUserHost(s string) (user, host, tail string, ok bool) {
	at := strings.IndexByte(s, '@')
	if at < 0 {
		return "", "", "", false
	}
	end := len(s)
	for i := at; i < len(s); i++ {
		if s[i] == '\t' || s[i] == ' ' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '[' || s[i+1] == '(') {
			end = i
			break
		}
	}
	at = strings.LastIndexByte(s[:end], '@')
	user, host, tail = strings.Trim(s[:at], " \t"), s[at+1:end], strings.Trim(s[end:], " \t")
	return user, host, tail, len(user)+len(host) > 0 && strings.IndexByte(host, ' ') < 0
}

// tail reads what follows the host: [EXTRA], (N licenses), (REASON), each of
// which may be missing.
func (s *logSubject) tail(rest string, page encoding.Encoding) bool {
	if strings.HasPrefix(rest, "[") {
		end := logExtraEnd(rest)
		if end < 0 {
			return false
		}
		s.extra, rest = logName(rest[1:end], page), strings.TrimLeft(rest[end+1:], " \t")
	}
	if n, after, ok := logLicenseCount(rest); ok {
		s.licenses, rest = n, after
	}
	if rest == "" {
		return true
	}
	if len(rest) < 2 || rest[0] != '(' || rest[len(rest)-1] != ')' {
		return false
	}
	reason := rest[1 : len(rest)-1]
	if strings.Count(reason, "(") > strings.Count(reason, ")") {
		return false // the rest stands on the next line
	}
	s.reason = logName(strings.Trim(reason, " \t"), page)
	return true
}

// logExtraEnd finds the bracket that closes the one at the front, which has a
// blank or nothing behind it. Vendors write what they like between them.
func logExtraEnd(s string) int {
	depth, first := 0, -1
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
			if i+1 < len(s) && s[i+1] != ' ' && s[i+1] != '\t' {
				continue
			}
			if depth == 0 {
				return i
			}
			if first < 0 {
				first = i
			}
		}
	}
	return first
}

// logLicenseCount reads "(N licenses)" and returns what follows.
func logLicenseCount(s string) (n int64, rest string, ok bool) {
	if s == "" || s[0] != '(' {
		return 0, s, false
	}
	i := strings.Index(s, " license")
	if i < 0 {
		return 0, s, false
	}
	n, ok = logNumber(s[1:i])
	end := strings.IndexByte(s[i:], ')')
	// Two thousand million licenses is "unlimited"; nobody checks out more.
	if !ok || end < 0 || n >= license.UnlimitedFrom {
		return 0, s, false
	}
	return n, strings.TrimLeft(s[i+end+1:], " \t"), true
}

// logErrorCode returns the major code of the last "(-4,342..." in a text.
func logErrorCode(s string) int {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] != '(' || s[i+1] != '-' {
			continue
		}
		end := i + 2
		for end < len(s) && s[end]-'0' <= 9 {
			end++
		}
		if n, err := strconv.Atoi(s[i+1 : end]); err == nil {
			return n
		}
	}
	return 0
}

// logName returns a name: as it is if it is UTF-8, else decoded from the code
// page. What is left of odd bytes is replaced, never dropped.
func logName(s string, page encoding.Encoding) string {
	if utf8.ValidString(s) {
		return s
	}
	if page == nil {
		page = charmap.Windows1252
	}
	if decoded, err := page.NewDecoder().String(s); err == nil {
		s = decoded
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// parseLogVerbose reads what stands between the marks:
//
//	version user ip pid handle in-use out-of project flex-version flex-revision date time dup-group
//
// User and project may have blanks or be missing, so it is read from the
// handle and from the end. What does not fit is unknown.
func parseLogVerbose(b []byte) logVerbose {
	var v logVerbose
	f := bytes.Fields(b)
	for i := 2; i+2 < len(f); i++ {
		if !bytes.HasPrefix(f[i], []byte("0x")) && !bytes.HasPrefix(f[i], []byte("0X")) {
			continue
		}
		v.handle = string(bytes.ToValidUTF8(f[i], nil))
		v.inUse, v.outOf = logCount(f[i+1]), logCount(f[i+2])
		break
	}
	if n := len(f); n >= 3 {
		v.day, v.dated = logSlashDay(f[n-3])
		switch string(bytes.ToLower(f[n-1])) {
		case "1", "true", "yes":
			v.shared = true
		}
	}
	return v
}

func logCount(b []byte) license.Count {
	n, ok := logNumber(string(b))
	return license.Count{N: n, Known: ok}
}
