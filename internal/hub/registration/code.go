package registration

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
)

// Symbols are what codes are made of: no I, L, O, U, 0 or 1.
const Symbols = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// CodeLength is the number of symbols of a code.
const CodeLength = 10

// Limits bound what guessing codes can bring. With 500 codes live, an account's
// five tries hit one with a probability of 2^-37.8.
type Limits struct {
	Live       int           // codes that may be live at once on the hub
	PerAddress int           // of those from one source address
	CodeLife   time.Duration // for entering the code
	Confirm    time.Duration // for the license server's answer to an approval

	// Wrong codes of one account, and of all accounts of one organisation. The
	// windows are as long as the waits: a shorter one could be used for ever
	// with one try less than the limit, at several times the rate.
	Account      int
	AccountWait  time.Duration
	Organisation int
	OrgWait      time.Duration
}

// DefaultLimits are the limits of a hub.
var DefaultLimits = Limits{
	Live: 500, PerAddress: 5, CodeLife: 10 * time.Minute, Confirm: 24 * time.Hour,
	Account: 5, AccountWait: time.Hour, Organisation: 20, OrgWait: time.Hour,
}

// newCode draws a code from rand, every symbol equally likely.
func newCode(rand io.Reader) (string, error) {
	r := bufio.NewReaderSize(rand, 32)
	code := make([]byte, 0, CodeLength)
	for len(code) < CodeLength {
		b, err := r.ReadByte()
		if err != nil {
			return "", fmt.Errorf("draw a code: %w", err)
		}
		if int(b) < 256-256%len(Symbols) { // the rest would favour the first symbols
			code = append(code, Symbols[int(b)%len(Symbols)])
		}
	}
	return string(code), nil
}

// ShowCode returns a code as it is shown to people: XXXXX-XXXXX.
func ShowCode(code string) string { return code[:CodeLength/2] + "-" + code[CodeLength/2:] }

// readCode returns the code that somebody typed, in any case, with any spaces
// and dashes; ok is false if it cannot be one.
func readCode(typed string) (code string, ok bool) {
	code = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '\u00a0' || r == '-' || r >= '\u2010' && r <= '\u2015' || r == '\u2212':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, typed)
	if len(code) != CodeLength || strings.Trim(code, Symbols) != "" {
		return "", false
	}
	return code, true
}

// hashCode returns what is kept of a code. It is keyed because a code is short
// enough to be found from a plain hash.
func hashCode(key []byte, code string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("registration code\x00" + code))
	return h.Sum(nil)
}
