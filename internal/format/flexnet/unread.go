package flexnet

import (
	"strings"
	"unicode/utf8"
)

// maxUnread is how many unread lines a result keeps; all are counted.
const maxUnread = 1000

// maxUnreadText is how many bytes of an unread line are kept.
const maxUnreadText = 500

// An Unread line is one that no rule understood. It never costs the rest.
type Unread struct {
	Line int // counted from 1
	Text string
}

// An unreadList keeps the first unread lines and counts them all.
type unreadList struct {
	first []Unread
	total int
}

func (u *unreadList) add(line int, text string) {
	u.total++
	if len(u.first) < maxUnread {
		u.first = append(u.first, Unread{line, shorten(text, maxUnreadText)})
	}
}

// shorten returns s, cut to at most limit bytes of whole letters and an
// ellipsis. The result does not hold on to a longer s.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit]) + "…"
}
