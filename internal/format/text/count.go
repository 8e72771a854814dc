package text

import "strconv"

// maxDigits bounds counts so that a sum of all that a text can hold stays
// within an int64.
const maxDigits = 12

// ParseCount reads a number of licenses: digits only, leading zeros allowed.
func ParseCount(s string) (int64, bool) {
	if s == "" || len(s) > maxDigits || s[0] == '-' || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
