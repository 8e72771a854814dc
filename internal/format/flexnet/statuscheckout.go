package flexnet

import (
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// lingerAtMost is the longest linger period; what is kept longer is borrowed.
const lingerAtMost = 24 * time.Hour

// maxLinger is the longest borrow period that is believed: a hundred years.
const maxLinger = 100 * 365 * 24 * 3600

// A userLine is a line of a user, a queued request or a reservation before
// its names are divided and its date is found.
type userLine struct {
	Checkout
	names string        // USER HOST DISPLAY EXTRA, not divided yet
	date  text.Yearless // of the start
}

// readUserLine reads any line that may stand below a feature and says who
// holds, waits for or reserves licenses. Lines are read from the right: what
// stands on the left is free text.
func readUserLine(t string) (userLine, bool) {
	for end := len(t); ; {
		i := strings.LastIndex(t[:end], ", start ")
		if i < 0 {
			break
		}
		if u, ok := readStart(t[i+len(", start "):]); ok {
			return u, u.readNames(t[:i])
		}
		end = i
	}
	if i := strings.LastIndex(t, " queued for "); i >= 0 {
		return readQueued(t[:i], t[i+len(" queued for "):])
	}
	return readReservation(t)
}

// readStart reads "Ddd M/D H:MM[:SS][, N licenses][ (linger: R / T)][, PID: N]".
func readStart(s string) (userLine, bool) {
	weekday, rest, _ := strings.Cut(s, " ")
	monthDay, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	rest = strings.TrimLeft(rest, " ")
	end := strings.IndexAny(rest, " ,(\t")
	if end < 0 {
		end = len(rest)
	}
	var u userLine
	var ok1, ok2, ok3 bool
	u.date.Weekday, ok1 = text.Weekday(weekday)
	u.date.Month, u.date.Day, ok2 = text.ParseMonthDay(monthDay)
	u.date.Clock, ok3 = text.ParseClock(rest[:end])
	if !ok1 || !ok2 || !ok3 {
		return userLine{}, false
	}
	u.date.HasWeekday = true
	u.Kind, u.Licenses = license.HolderActive, 1
	u.StartText = weekday + " " + monthDay + " " + rest[:end]
	u.readTail(rest[end:])
	return u, true
}

// readTail reads what stands behind the start, in any order.
func (u *userLine) readTail(s string) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return
		}
		part := s
		switch s[0] {
		case ',':
			if end := strings.IndexAny(s[1:], ",("); end >= 0 {
				part = s[:end+1]
			}
		case '(':
			if end := strings.IndexByte(s, ')'); end >= 0 {
				part = s[:end+1]
			}
		}
		s = s[len(part):]
		part = strings.TrimSpace(part)
		if !u.readLicenses(strings.TrimPrefix(part, ",")) && !u.readLinger(part) && !u.readPID(part) {
			u.Tail = strings.TrimSpace(u.Tail + " " + part)
		}
	}
}

// readLicenses reads "N license" or "N licenses".
func (u *userLine) readLicenses(s string) bool {
	w := strings.Fields(s)
	if len(w) != 2 || strings.TrimSuffix(w[1], "s") != "license" {
		return false
	}
	n, ok := statusCount(w[0])
	if ok {
		u.Licenses = n
	}
	return ok
}

// readLinger reads "(linger: T)" or "(linger: R / T)", seconds both.
func (u *userLine) readLinger(s string) bool {
	s, ok := strings.CutPrefix(s, "(linger:")
	if !ok || !strings.HasSuffix(s, ")") {
		return false
	}
	remaining, whole, two := strings.Cut(strings.TrimSuffix(s, ")"), "/")
	if !two {
		remaining, whole = "0", remaining
	}
	r, ok1 := statusCount(strings.TrimSpace(remaining))
	t, ok2 := statusCount(strings.TrimSpace(whole))
	if !ok1 || !ok2 || r > maxLinger || t > maxLinger {
		return false
	}
	u.Linger, u.Remaining = time.Duration(t)*time.Second, time.Duration(r)*time.Second
	u.Kind = license.HolderLinger
	if u.Linger > lingerAtMost {
		u.Kind = license.HolderBorrowed
	}
	return true
}

// readPID reads ", PID: N".
func (u *userLine) readPID(s string) bool {
	s, ok := strings.CutPrefix(strings.TrimLeft(strings.TrimPrefix(s, ","), " "), "PID:")
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err == nil {
		u.PID = n
	}
	return err == nil
}

// readNames reads "USER HOST DISPLAY[ EXTRA] (vVERSION) (SERVER/PORT HANDLE)"
// up to the names.
func (u *userLine) readNames(s string) bool {
	s, ok := u.readServer(s)
	if !ok {
		return false
	}
	s = " " + strings.TrimSpace(s)
	u.names = s[1:]
	if i := strings.LastIndex(s, " (v"); i >= 0 && strings.HasSuffix(s, ")") {
		u.Version = s[i+len(" (v") : len(s)-1]
		u.names = strings.TrimSpace(s[:i])
	}
	return u.names != ""
}

// readServer takes "(SERVER/PORT HANDLE)" or "(SERVER/PORT)" off the right
// end of s.
func (u *userLine) readServer(s string) (rest string, ok bool) {
	s = strings.TrimRight(s, " \t")
	i := strings.LastIndexByte(s, '(')
	if i < 1 || !strings.HasSuffix(s, ")") {
		return "", false
	}
	server, handle, _ := strings.Cut(s[i+1:len(s)-1], " ")
	slash := strings.LastIndexByte(server, '/')
	if slash < 0 {
		return "", false
	}
	u.Server, u.Port, u.Handle = server[:slash], server[slash+1:], strings.TrimSpace(handle)
	return strings.TrimRight(s[:i], " \t"), true
}

// readQueued reads "USER HOST DISPLAY [VERSION] (vVERSION) (SERVER/PORT HANDLE)"
// and, behind "queued for", "N licenses". The version stands once more as a
// plain word.
func readQueued(left, right string) (userLine, bool) {
	u := userLine{Checkout: Checkout{Kind: license.HolderQueued}}
	if !u.readLicenses(right) || !u.readNames(left) {
		return userLine{}, false
	}
	if s, ok := strings.CutSuffix(u.names, " "+u.Version); ok && u.Version != "" && strings.Contains(s, " ") {
		u.names = strings.TrimSpace(s)
	}
	return u, true
}

// readReservation reads "N RESERVATION[s] for TYPE NAME (SERVER/PORT)".
func readReservation(t string) (userLine, bool) {
	number, rest, _ := strings.Cut(t, " ")
	word, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !strings.EqualFold(word, "RESERVATION") && !strings.EqualFold(word, "RESERVATIONS") {
		return userLine{}, false
	}
	whom, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), "for ")
	n, isNumber := statusCount(number)
	if !ok || !isNumber {
		return userLine{}, false
	}
	u := userLine{Checkout: Checkout{Kind: license.HolderReserved, Licenses: n}}
	if left, ok := u.readServer(whom); ok {
		whom = left
	}
	u.User = strings.TrimSpace(whom)
	return u, u.User != ""
}
