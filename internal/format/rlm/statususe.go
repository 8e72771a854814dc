package rlm

import (
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A statusUse is one checkout.
type statusUse struct {
	vendor   string
	product  string
	version  string
	user     string
	host     string
	licenses int64
	reserved int64 // of these
	date     text.Yearless
	since    time.Time
	handle   string
	kind     license.HolderKind
}

// readUse reads a line below "license usage status":
//
//	viewer v1.0: ann@pc1 3/0 at 12/30 08:15  (handle: 41)
//
// three licenses, none of them from reservations. More can follow, such as
// "[I: vendor's text]".
func readUse(t string) (statusUse, bool) {
	m := useLine.FindStringSubmatch(t)
	if m == nil {
		return statusUse{}, false
	}
	u := statusUse{product: m[1], version: m[2], user: m[3], host: m[4], handle: m[9], kind: license.HolderActive}
	var ok1, ok2, ok3, ok4 bool
	u.licenses, ok1 = readCount(m[5])
	u.reserved, ok2 = readCount(m[6])
	u.date.Month, u.date.Day, ok3 = text.ParseMonthDay(m[7])
	u.date.Clock, ok4 = text.ParseClock(m[8])
	if roams(m[10]) {
		u.kind = license.HolderBorrowed
	}
	return u, ok1 && ok2 && ok3 && ok4 && u.user != ""
}

// roams reports whether the end of a line, without the vendor's text, says
// that the licenses were taken off line.
func roams(tail string) bool {
	tail, _, _ = strings.Cut(tail, "[I:")
	return strings.Contains(strings.ToLower(tail), "roam")
}
