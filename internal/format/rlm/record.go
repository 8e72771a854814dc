package rlm

import (
	"strings"
	"time"

	"headroom/internal/format/text"
)

// A word is one field of a record in a report log.
type word struct {
	text   string
	quoted bool
}

// number returns the word as a number of licenses.
func (w word) number() (int64, bool) {
	n, ok := readCount(w.text)
	return n, ok && !w.quoted
}

// words divides a record at blanks, except within double quotes. It appends to
// all.
func words(all []word, s string) []word {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return all
		}
		if quoted, ok := strings.CutPrefix(s, `"`); ok {
			inside, rest, _ := strings.Cut(quoted, `"`)
			all, s = append(all, word{inside, true}), rest
			continue
		}
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			end = len(s)
		}
		all, s = append(all, word{text: s[:end]}), s[end:]
	}
}

// A stamp is the time at the end of a record. The small format has no dates
// there.
type stamp struct {
	month time.Month
	day   int
	clock text.Clock
	dated bool
}

// cutStamp cuts the time off what stands before it. What follows it is of no
// interest.
func cutStamp(w []word) ([]word, stamp, bool) {
	for i := range w {
		if w[i].quoted {
			continue
		}
		if i+1 < len(w) {
			month, day, ok1 := text.ParseMonthDay(w[i].text)
			clock, ok2 := readClock(w[i+1])
			if ok1 && ok2 {
				return w[:i], stamp{month, day, clock, true}, true
			}
			continue
		}
		clock, ok := readClock(w[i])
		return w[:i], stamp{clock: clock}, ok
	}
	return nil, stamp{}, false
}

// readClock reads a time of day. The detailed format has a fraction.
func readClock(w word) (text.Clock, bool) {
	whole, _, _ := strings.Cut(w.text, ".")
	c, ok := text.ParseClock(whole)
	return c, ok && !w.quoted
}

// A record is what the records about licenses have in common:
//
//	OUT product version pool user host "vendor's text" count ... time
//
// with what stands between count and time in more. Not every kind has all.
type record struct {
	product, pool, user, host string
	count                     int64
	more                      []word
	stamp                     stamp
}

// readRecord reads the words behind the keyword, and behind the reason where
// there is one. pooled says that the number of the pool stands there, unless
// the record is of the small format; known tells products that the log served.
func readRecord(w []word, pooled bool, known func(string) bool) (record, bool) {
	isv := vendorText(w)
	if isv < 0 {
		return record{}, false
	}
	var r record
	var ok1, ok2, ok3 bool
	r.count, ok1 = w[isv+1].number()
	r.more, r.stamp, ok2 = cutStamp(w[isv+2:])
	ok3 = r.names(w[:isv], pooled && r.stamp.dated, known)
	return r, ok1 && ok2 && ok3
}

// vendorText returns where the vendor's text stands: the first quotes before a
// number. Quotes before them are users and hosts without a name. It is -1 if
// there is none.
func vendorText(w []word) int {
	for i := 4; i+1 < len(w); i++ {
		if _, ok := w[i+1].number(); ok && w[i].quoted {
			return i
		}
	}
	return -1
}

// maxProductWords is how many words a product is believed to have.
const maxProductWords = 8

// names divides "product version [pool] user host".
func (r *record) names(w []word, pooled bool, known func(string) bool) bool {
	behind := 1 // words of version and pool
	if pooled {
		behind = 2
	}
	n := productWords(w, behind, known)
	if n == 0 {
		return false
	}
	rest := w[n+behind:]
	if pooled {
		r.pool = w[n+1].text
	}
	r.product, r.user, r.host = join(w[:n]), join(rest[:len(rest)-1]), rest[len(rest)-1].text
	return r.product != ""
}

// productWords returns how many words the product has; 0 if none is possible.
// Products and users can have blanks: a product that the log has served helps,
// else the version is the last word that looks like one.
func productWords(w []word, behind int, known func(string) bool) int {
	most := min(len(w)-behind-2, maxProductWords)
	found := 0
	for n := most; n > 0; n-- {
		if behind == 2 {
			if _, ok := w[n+1].number(); !ok {
				continue
			}
		}
		switch {
		case known(join(w[:n])):
			return n
		case found == 0 && (isVersion(w[n].text) || most == 1):
			found = n
		}
	}
	return found
}

func isVersion(s string) bool { return s != "" && strings.Trim(s, "0123456789.") == "" }

func join(w []word) string {
	if len(w) == 1 {
		return w[0].text
	}
	all := make([]string, len(w))
	for i := range w {
		all[i] = w[i].text
	}
	return strings.Join(all, " ")
}
