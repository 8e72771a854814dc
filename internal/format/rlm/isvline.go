package rlm

import (
	"regexp"
	"strings"
	"time"

	"headroom/internal/format/text"
)

var (
	// A product can have blanks: it ends before the version.
	isvUse      = regexp.MustCompile(`^(.+?) v\d\S* (?:by|to) (.*)$`)
	isvLicenses = regexp.MustCompile(`\((\d+) licenses?\)\s*$`)
)

// An isvLine is a line of a debug log that begins with a date.
type isvLine struct {
	month  time.Month
	day    int
	clock  text.Clock
	vendor string // or "rlm"
	text   string // blanks at its beginning included
}

// readISVLine reads "12/30 08:15 (acme) text".
func readISVLine(s string) (isvLine, bool) {
	date, rest, _ := strings.Cut(s, " ")
	clock, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	rest, open := strings.CutPrefix(rest, "(")
	vendor, rest, closed := strings.Cut(rest, ")")
	if !open || !closed || vendor == "" || strings.Contains(vendor, " ") {
		return isvLine{}, false
	}
	l := isvLine{vendor: vendor, text: strings.TrimRight(strings.TrimPrefix(rest, " "), " \t")}
	var ok1, ok2 bool
	l.month, l.day, ok1 = text.ParseMonthDay(date)
	l.clock, ok2 = text.ParseClock(clock)
	return l, ok1 && ok2
}

// cutUser reads "ann@pc1 vendor's text". A name can have blanks or an @, a host
// has neither.
func cutUser(s string) (user, host string, ok bool) {
	at := strings.IndexByte(s, '@')
	if at < 0 {
		return "", "", false
	}
	end := len(s)
	if blank := strings.IndexByte(s[at:], ' '); blank >= 0 {
		end = at + blank
	}
	at = strings.LastIndexByte(s[:end], '@')
	return s[:at], s[at+1 : end], at > 0
}

// cutParentheses cuts "(text) " off the front, if it is there.
func cutParentheses(s string) (inside, rest string) {
	if in, ok := strings.CutPrefix(s, "("); ok {
		if in, rest, ok := strings.Cut(in, ")"); ok {
			return in, strings.TrimLeft(rest, " ")
		}
	}
	return "", s
}

func isIndented(s string) bool {
	return strings.HasPrefix(s, "  ") || strings.HasPrefix(s, "\t")
}

// logNoise begins the lines of a debug log that tell nothing about licenses.
var logNoise = []string{
	"Report log ", "License files:", "License server started on ", "RLM License Server Version ", "Settings from RLM ",
	"Server architecture:", "Re-reading license files", "Using options file ", "Switching debug log ", "Using TCP/IP port ",
	"Web server ", "Starting ISV server", "New thread ", "WARNING:", "ERROR:", "Request:",
}

func isLogNoise(s string) bool {
	if s == "" || s[0] == ' ' || s[0] == '\t' {
		return true
	}
	for _, prefix := range logNoise {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// isRawNoise recognises lines without a date: the copyright of RLM and of what
// it contains, which is indented.
func isRawNoise(s string) bool {
	return strings.TrimSpace(s) == "" || isIndented(s)
}
