package mathlm

import (
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A logLine is one line in MathLM's default format,
// HOST - USER [DD/Mon/YYYY:HH:MM:SS] "WHAT" "ANSWER" -.
type logLine struct {
	host, user   string
	at           time.Time
	what, answer string
}

func readLogLine(t string, zone *time.Location) (logLine, bool) {
	host, rest, ok := strings.Cut(t, " - ")
	user, rest, ok1 := strings.Cut(rest, " [")
	date, rest, ok2 := strings.Cut(rest, `] "`)
	end := strings.LastIndexByte(rest, '"')
	if !ok || !ok1 || !ok2 || end < 0 {
		return logLine{}, false
	}
	what, answer, ok := strings.Cut(rest[:end], `" "`)
	at, isDate := readLogDate(date, zone)
	return logLine{host: host, user: strings.TrimSpace(user), at: at, what: what, answer: answer}, ok && isDate
}

// readLogDate reads "06/Jun/2019:17:25:39", and the same with " -0500".
func readLogDate(s string, zone *time.Location) (time.Time, bool) {
	const layout = "2/Jan/2006:15:04:05"
	at, err := time.Parse(layout+" -0700", s)
	if err != nil {
		at, err = time.ParseInLocation(layout, s, zone)
	}
	if err != nil || at.Year() < 1970 || at.Year() > 9998 {
		return time.Time{}, false
	}
	return at.Truncate(time.Second).UTC(), true
}

// event returns what a line says about licenses or the server, an event
// without a kind if nothing, and false if it is about a license in words that
// we do not know.
func (l logLine) event() (facts.Event, bool) {
	e := facts.Event{At: l.at, User: l.user, Host: l.host, Licenses: 1}
	if strings.HasPrefix(l.what, "MathLM ") && strings.HasSuffix(l.what, " executable launched") {
		return facts.Event{Kind: facts.Start, At: l.at}, true
	}
	program, what, ok := strings.Cut(l.what, "License ")
	if !ok {
		return facts.Event{}, true
	}
	if program = strings.TrimSpace(program); program == "" {
		return facts.Event{}, false
	}
	number, answer, numbered := readAnswer(l.answer)
	switch {
	case what == "requested" && numbered && answer == "granted":
		e.Kind = facts.Out
	case what == "requested" && !numbered:
		e.Kind, e.Reason = facts.Refused, facts.Shorten(l.answer, facts.MaxText)
	case what == "returned" && numbered && answer == "accepted":
		e.Kind = facts.In
	default:
		return facts.Event{}, false
	}
	e.Pool, e.Handle = license.Pool{Feature: pooled(program)}, number
	return e, true
}

// readAnswer reads "License #1 granted".
func readAnswer(s string) (number, answer string, ok bool) {
	s, ok = strings.CutPrefix(s, "License #")
	number, answer, _ = strings.Cut(s, " ")
	_, isNumber := text.ParseCount(number)
	if !ok || !isNumber {
		return "", "", false
	}
	return number, answer, true
}

// pooled returns the program under whose name the status lists what the log
// calls a kernel or a front end; any other name as it is.
func pooled(s string) string {
	switch strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(s)) {
	case "kernel", "mathkernel":
		return "MathKernel"
	case "frontend", "mathematica":
		return "Mathematica"
	case "subkernel", "submathkernel":
		return "Sub MathKernel"
	case "subfrontend", "submathematica":
		return "Sub Mathematica"
	}
	return s
}
