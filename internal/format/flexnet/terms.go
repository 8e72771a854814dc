package flexnet

import (
	"errors"
	"io"
	"time"

	"headroom/internal/license"
)

// Terms is the table that lmstat -i prints: what the license file grants, not
// what the server does with it.
type Terms struct {
	Rows        []Term
	Error       string // why there is no table; empty if there is one
	Lines       int
	Unread      []Unread
	UnreadTotal int
}

// A Term is one row. A feature can have several; the total is their sum, and
// each has its own expiry.
type Term struct {
	Feature string
	Version string
	State   license.State
	Count   license.Count // known only when counted
	Vendor  string
	Expires string // as printed; ParseExpiry reads it
	Line    int
}

// ParseTerms reads the output of lmstat -i. Columns are found by the header.
// codePage is that of StatusOptions; the error is as for ParseStatus.
func ParseTerms(r io.Reader, codePage string) (Terms, error) {
	return Terms{}, errors.New("not written yet")
}

// An Expiry is the day on which a license ends.
type Expiry struct {
	Permanent bool
	Day       time.Time // midnight UTC of the last day; zero if permanent, except for 2099, which vendors use as "never"
}

// ParseExpiry reads an expiry as lmstat or a license file prints it.
func ParseExpiry(s string) (Expiry, error) {
	return Expiry{}, errors.New("not written yet")
}
