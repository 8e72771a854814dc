package citrix

import (
	"encoding/json"
	"regexp"
	"strings"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// properties are the values of one object as text, by name in lower case.
type properties map[string]string

// first returns the first of the named values that is there and not empty.
func (p properties) first(names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(p[strings.ToLower(n)]); v != "" {
			return v
		}
	}
	return ""
}

// has reports whether all of the names are there, empty or not.
func (p properties) has(names ...string) bool {
	for _, n := range names {
		if _, ok := p[strings.ToLower(n)]; !ok {
			return false
		}
	}
	return true
}

// count returns the first of the named values that is there. What is no number
// of licenses is unknown.
func (p properties) count(names ...string) license.Count {
	n, ok := parseNumber(p.first(names...))
	if !ok {
		return license.Count{}
	}
	return license.Of(n)
}

// String shows an object that nobody understood.
func (p properties) String() string {
	b, err := json.Marshal(map[string]string(p))
	if err != nil {
		return "" // strings can always be written
	}
	return string(b)
}

// UnmarshalJSON reads an object. Values that are objects and lists themselves
// are left out.
func (p *properties) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*p = make(properties, len(raw))
	for name, v := range raw {
		switch v[0] {
		case '{', '[', 'n': // null
		case '"':
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				return err
			}
			(*p)[strings.ToLower(name)] = s
		default:
			(*p)[strings.ToLower(name)] = string(v)
		}
	}
	return nil
}

// grouped matches a whole number in groups of three digits.
var grouped = regexp.MustCompile(`^\d{1,3}([.,'’ \x{a0}\x{202f}]\d{3})+$`)

// parseNumber reads a number of licenses: not negative, whole, perhaps with
// group separators, perhaps written as a decimal without a fraction.
func parseNumber(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if grouped.MatchString(s) {
		s = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(fraction, "0") != "" {
		return 0, false
	}
	return text.ParseCount(whole)
}
