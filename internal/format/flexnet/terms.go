package flexnet

import (
	"fmt"
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Terms is the table that lmstat -i prints: what the license file grants, not
// what the server does with it.
type Terms struct {
	Rows        []Term
	Error       string // why there is no table; empty if there is one
	Lines       int
	Unread      []facts.Unread // lines of the table only: other output of lmstat is passed over
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

// ParseTerms reads the table in the output of lmstat -i, alone or within that
// of lmstat -a. Columns are found by the header: their order depends on the
// version. codePage is that of StatusOptions; the error is as for ParseStatus.
func ParseTerms(r io.Reader, codePage string) (Terms, error) {
	lines, err := text.NewLines(r, codePage)
	if err != nil {
		return Terms{}, err
	}
	p := termsParser{}
	for lines.Next() {
		p.next(lines.Text(), lines.Number(), lines.Cut())
	}
	t := p.terms
	t.Lines = lines.Number()
	t.Unread, t.UnreadTotal = p.unread.First, p.unread.Total
	switch {
	case p.seen:
		t.Error = ""
	case t.Error == "" && t.Lines == 0:
		t.Error = "the output is empty"
	case t.Error == "":
		t.Error = "the output has no table of features"
	}
	return t, lines.Err()
}

type termsParser struct {
	terms   Terms
	columns []string // of the table at hand, in lower case; nil outside
	seen    bool
	unread  facts.UnreadLines
}

func (p *termsParser) next(s string, number int, cut bool) {
	t := strings.TrimSpace(s)
	switch {
	case t == "":
	case isTermsHeader(t):
		p.columns, p.seen = strings.Fields(strings.ToLower(t)), true
	case p.columns == nil:
		if hasErrorCode(t) {
			p.terms.Error = joinErrors(p.terms.Error, t)
		}
	case isRuler(t):
	case isAfterTerms(t):
		p.columns = nil
	default:
		row, ok := readTerm(t, p.columns)
		if !ok || cut || len(p.terms.Rows) >= maxFacts {
			p.unread.Add(number, strings.TrimRight(s, " \t"))
			return
		}
		row.Line = number
		p.terms.Rows = append(p.terms.Rows, row)
	}
}

// isTermsHeader recognises "Feature  Version  #licenses  Vendor  Expires".
func isTermsHeader(t string) bool {
	if !strings.HasPrefix(t, "Feature") {
		return false
	}
	lower := strings.ToLower(t)
	return strings.Contains(lower, "version") && strings.Contains(lower, "licenses") &&
		strings.Contains(lower, "vendor") && strings.Contains(lower, "expires")
}

// isRuler recognises the line below the header.
func isRuler(t string) bool { return strings.Trim(t, "_-= \t") == "" }

// isTermsNote recognises the note above the header.
func isTermsNote(t string) bool {
	return strings.HasPrefix(t, "NOTE: lmstat -i") || strings.HasPrefix(t, "but only reads the license file") ||
		strings.HasPrefix(t, "lmstat -a is recommended")
}

// isTermsLine reports whether t can stand in the table.
func isTermsLine(t string) bool {
	return isRuler(t) || len(splitTerm(t)) == termColumns && !isAfterTerms(t)
}

// isAfterTerms recognises lines of lmstat -a behind the table.
func isAfterTerms(t string) bool {
	return strings.HasPrefix(t, "License server status:") || strings.HasPrefix(t, "Vendor daemon status") ||
		strings.HasPrefix(t, "Users of ") || strings.HasPrefix(t, "Flexible License Manager") || isBanner(t) || isTermsNote(t)
}

// termColumns is how many columns the table has.
const termColumns = 5

// maxTermWords is more than any row has.
const maxTermWords = 20

// splitTerm divides a row. Values have no blanks, except
// "permanent(no expiration date)".
func splitTerm(t string) []string {
	words := strings.Fields(t)
	if len(words) > maxTermWords {
		return nil
	}
	var values []string
	open := false
	for _, w := range words {
		if open {
			values[len(values)-1] += " " + w
		} else {
			values = append(values, w)
		}
		last := values[len(values)-1]
		open = strings.HasPrefix(last, "permanent(") && !strings.HasSuffix(last, ")")
	}
	return values
}

// readTerm reads a row by the names of its columns, and tells vendor and date
// apart by themselves where the header has them the wrong way round.
func readTerm(t string, columns []string) (Term, bool) {
	values := splitTerm(t)
	if len(values) != len(columns) {
		return Term{}, false
	}
	var row Term
	count := ""
	for i, c := range columns {
		switch strings.Trim(c, "#") {
		case "feature":
			row.Feature = values[i]
		case "version":
			row.Version = bareVersion(values[i])
		case "licenses":
			count = values[i]
		case "vendor":
			row.Vendor = values[i]
		case "expires":
			row.Expires = values[i]
		}
	}
	if _, err := ParseExpiry(row.Expires); err != nil {
		if _, err := ParseExpiry(row.Vendor); err == nil {
			row.Vendor, row.Expires = row.Expires, row.Vendor
		}
	}
	var ok bool
	row.State, row.Count, ok = readGranted(count)
	return row, ok && row.Feature != ""
}

// readGranted reads the number of licenses that a table or a license file
// grants.
func readGranted(s string) (license.State, license.Count, bool) {
	switch strings.ToLower(s) {
	case "uncounted", "0":
		return license.StateUncounted, license.Count{}, true
	case "unlimited":
		return license.StateUnlimited, license.Count{}, true
	}
	n, ok := statusCount(s)
	switch {
	case !ok:
		return license.StateUnknown, license.Count{}, false
	case n == 0:
		return license.StateUncounted, license.Count{}, true
	case n >= license.UnlimitedFrom:
		return license.StateUnlimited, license.Count{}, true
	}
	return license.StateCounted, license.Of(n), true
}

// An Expiry is the last day of a license.
type Expiry struct {
	Permanent bool
	Day       time.Time // midnight UTC of that day; zero if permanent without a date
}

// neverYear is a year that some vendors write for "never".
const neverYear = 2099

// ParseExpiry reads an expiry as lmstat or a license file prints it:
// "30-dec-2025", "permanent", "permanent(no expiration date)". A year of zero
// means permanent, and so does 2099, which keeps its day.
func ParseExpiry(s string) (Expiry, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	if t == "permanent" || strings.HasPrefix(t, "permanent(") {
		return Expiry{Permanent: true}, nil
	}
	day, ok := text.ParseDashDay(t)
	if !ok {
		return Expiry{}, fmt.Errorf("expiry %q is neither \"permanent\" nor a date such as 30-dec-2025", facts.Shorten(s, facts.MaxText))
	}
	if day.Year == 0 {
		return Expiry{Permanent: true}, nil
	}
	return Expiry{Permanent: day.Year == neverYear, Day: day.Midnight()}, nil
}
