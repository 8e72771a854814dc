package facts

import (
	"strings"
	"unicode/utf8"
)

// MaxUnread is how many unread lines are kept; all are counted.
const MaxUnread = 1000

// MaxText is how many bytes of an unread line, and of an error text, are kept.
const MaxText = 500

// An Unread line is one that no rule understood. It never costs the rest.
type Unread struct {
	Line int // counted from 1
	Text string
}

// UnreadLines keeps the first unread lines and counts them all.
type UnreadLines struct {
	First []Unread
	Total int
}

// Add adds a line.
func (u *UnreadLines) Add(line int, text string) {
	u.Total++
	if len(u.First) < MaxUnread {
		u.First = append(u.First, Unread{line, Shorten(text, MaxText)})
	}
}

// Shorten returns s, cut to at most limit bytes of whole letters and an
// ellipsis. The result does not hold on to a longer s.
func Shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit]) + "…"
}
