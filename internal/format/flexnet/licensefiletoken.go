package flexnet

import (
	"strings"

	"headroom/internal/format/facts"
)

// A token is one word of a license file, or one KEY=value pair.
type token struct {
	key   string // as written; empty for a plain word
	value string // without its quotes
}

// String returns the token as a file would write it, quotes left out.
func (t token) String() string {
	if t.key == "" {
		return t.value
	}
	return t.key + "=" + t.value
}

// tokenize divides a whole line into its tokens.
func tokenize(s string) []token {
	broken := strings.Count(s, `"`)%2 == 1
	var all []token
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return all
		}
		var t token
		if n := keyLength(s); n > 0 {
			t.key, s = s[:n], s[n+1:]
		}
		if strings.HasPrefix(s, `"`) {
			t.value, s = quoted(s[1:], broken)
		} else {
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			t.value, s = s[:end], s[end:]
		}
		all = append(all, t)
	}
}

// keyLength returns the length of KEY if s starts with KEY=, else 0.
func keyLength(s string) int {
	for i := range len(s) {
		if s[i] == '=' {
			return i
		}
		if !isKeyByte(s[i]) {
			return 0
		}
	}
	return 0
}

func isKeyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// quoted returns the value that s starts with, its opening quote already
// taken, and what follows. In a line with a broken quote, one that another
// KEY=" would close was never closed: its value then ends at a curly quote or
// before the next KEY=, and is redacted, so that no signature ends up in it.
func quoted(s string, broken bool) (value, rest string) {
	end := strings.IndexByte(s, '"')
	if end >= 0 && (!broken || !strings.HasSuffix(s[:end], "=")) {
		return s[:end], s[end+1:]
	}
	for i := range len(s) {
		if strings.HasPrefix(s[i:], "”") {
			return redact(s[:i]), s[i+len("”"):]
		}
		if startsKey(s[i:]) {
			return redact(s[:i]), s[i:]
		}
	}
	return redact(s), ""
}

// startsKey reports whether s is a blank with KEY= behind it.
func startsKey(s string) bool {
	return (s[0] == ' ' || s[0] == '\t') && keyLength(s[1:]) > 0
}

// isSecret reports whether the value of a key, in upper case, can sign or
// unlock something.
func isSecret(key string) bool {
	return strings.HasPrefix(key, "SIGN") || strings.HasPrefix(key, "AUTH") ||
		strings.HasSuffix(key, "KEY") || key == "CK" || key == "K"
}

// hidden stands where a key stood.
const hidden = "[key]"

// redact returns a line without what may be a key: values of secret keys with
// all that follows them, and words of four and more hexadecimal digits.
func redact(s string) string {
	var b strings.Builder
	for w := range strings.FieldsSeq(s) {
		if b.Len() > facts.MaxText {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		n := secretStart(w)
		if n >= 0 {
			b.WriteString(w[:n] + hidden)
			break
		}
		if isHex(strings.Trim(w, `"“”`)) {
			w = hidden
		}
		b.WriteString(w)
	}
	return b.String()
}

// scrub returns a whole line without its secret keys, each with all up to the
// next KEY=: signatures are words without a key, whatever became of their
// quotes.
func scrub(s string) string {
	n := secretStart(s)
	if n < 0 {
		return s
	}
	var b strings.Builder
	for ; n >= 0; n = secretStart(s) {
		key := n - 1
		for key > 0 && isKeyByte(s[key-1]) {
			key--
		}
		b.WriteString(s[:key])
		for n < len(s) && !startsKey(s[n:]) {
			n++
		}
		s = s[n:]
	}
	return b.String() + s
}

// secretStart returns the index behind the "=" of the first secret key within
// s, or -1.
func secretStart(s string) int {
	start := 0 // of what may be a key
	for i := range len(s) {
		switch {
		case isKeyByte(s[i]):
		case s[i] == '=' && isSecret(strings.ToUpper(s[start:i])):
			return i + 1
		default:
			start = i + 1
		}
	}
	return -1
}

// isLicenseKey reports whether a plain word can be a license key of the old
// style, which stood among the fields without a name.
func isLicenseKey(s string) bool { return isHex(s) && len(s) >= 12 }

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != 'x' {
			return false
		}
	}
	return len(s) >= 4
}
