package flexnet

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

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

var (
	logVerboseMark = []byte("^^^")
	logLicenses    = []byte(" license")
)

// parseLogSubject reads
//
//	"FEATURE" USER@HOST  [EXTRA] (N licenses) (REASON)
//	"FEATURE" (KEY) USER@HOST  (REASON)
//
// where the quotes may be missing and everything behind HOST too. A kind of
// LogUnsupported has the second form.
func parseLogSubject(kind LogKind, line []byte, page encoding.Encoding) (*logSubject, bool) {
	feature, rest, quoted := logFeatureName(bytes.TrimSpace(line))
	var key []byte
	if kind == LogUnsupported && len(rest) > 0 && rest[0] == '(' {
		end := bytes.IndexByte(rest, ')')
		if end < 0 {
			return nil, false
		}
		key, rest = bytes.TrimSpace(rest[1:end]), bytes.TrimLeft(rest[end+1:], " \t")
	}
	user, host, tail, ok := logUserHost(rest)
	if !ok || len(feature) == 0 {
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
func logFeatureName(line []byte) (name, rest []byte, quoted bool) {
	if len(line) > 0 && line[0] == '"' {
		end := bytes.IndexByte(line[1:], '"')
		if end < 0 {
			return nil, nil, false
		}
		return line[1 : end+1], bytes.TrimLeft(line[end+2:], " \t"), true
	}
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		return nil, nil, false
	}
	return line[:end], bytes.TrimLeft(line[end:], " \t"), false
}

// logUserHost divides USER@HOST from what follows: at two blanks, a bracket or
// a parenthesis behind the first @. The last @ before that is the one between
// user and host; users may have blanks and an @ of their own, hosts have none.
func logUserHost(b []byte) (user, host, tail []byte, ok bool) {
	at := bytes.IndexByte(b, '@')
	if at < 0 {
		return nil, nil, nil, false
	}
	end := len(b)
	for i := at; i < len(b); i++ {
		if b[i] == '\t' || b[i] == ' ' && (i+1 == len(b) || b[i+1] == ' ' || b[i+1] == '[' || b[i+1] == '(') {
			end = i
			break
		}
	}
	at = bytes.LastIndexByte(b[:end], '@')
	user, host, tail = bytes.TrimSpace(b[:at]), b[at+1:end], bytes.TrimSpace(b[end:])
	return user, host, tail, len(user)+len(host) > 0 && bytes.IndexByte(host, ' ') < 0
}

// tail reads what follows the host: [EXTRA], (N licenses), (REASON), each of
// which may be missing.
func (s *logSubject) tail(b []byte, page encoding.Encoding) bool {
	if len(b) > 0 && b[0] == '[' {
		end := logExtraEnd(b)
		if end < 0 {
			return false
		}
		s.extra, b = logName(b[1:end], page), bytes.TrimLeft(b[end+1:], " \t")
	}
	if n, rest, ok := logLicenseCount(b); ok {
		s.licenses, b = n, rest
	}
	if len(b) == 0 {
		return true
	}
	if len(b) < 2 || b[0] != '(' || b[len(b)-1] != ')' {
		return false
	}
	reason := b[1 : len(b)-1]
	if open, shut := bytes.Count(reason, []byte{'('}), bytes.Count(reason, []byte{')'}); open > shut {
		return false // the rest stands on the next line
	}
	s.reason = logName(bytes.TrimSpace(reason), page)
	return true
}

// logExtraEnd finds the bracket that closes the one at the front: the first
// that ends the line or has a blank behind it.
func logExtraEnd(b []byte) int {
	for i, c := range b {
		if c == ']' && (i+1 == len(b) || b[i+1] == ' ' || b[i+1] == '\t') {
			return i
		}
	}
	return -1
}

// logLicenseCount reads "(N licenses)" and returns what follows.
func logLicenseCount(b []byte) (n int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '(' {
		return 0, b, false
	}
	i := bytes.Index(b, logLicenses)
	if i < 0 {
		return 0, b, false
	}
	n, ok = logNumber(b[1:i])
	end := bytes.IndexByte(b[i:], ')')
	// Two thousand million licenses is "unlimited"; nobody checks out more.
	if !ok || end < 0 || n >= license.UnlimitedFrom {
		return 0, b, false
	}
	return n, bytes.TrimLeft(b[i+end+1:], " \t"), true
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

// logName returns bytes as a name: as they are if they are UTF-8, else decoded
// from the code page. What is left of odd bytes is replaced, never dropped.
func logName(b []byte, page encoding.Encoding) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if page == nil {
		page = charmap.Windows1252
	}
	if decoded, err := page.NewDecoder().Bytes(b); err == nil {
		b = decoded
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
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
	n, ok := logNumber(b)
	return license.Count{N: n, Known: ok}
}
