package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// markEvery is how often the log of a FlexNet server tells the date.
const markEvery = 6 * time.Hour

// retryAfter is the time between two requests of who is refused.
const retryAfter = 13 * time.Second

// A logLine is a line of a debug log.
type logLine struct {
	at   time.Time
	text string // with who writes it
}

// LogStart returns since when the debug log of the server that is up at t tells
// everything: it begins anew when the server is started.
func (s *Server) LogStart(t time.Time) time.Time { return s.started(t) }

// DebugLog returns what a FlexNet server writes into its debug log in [from,
// to), on its own clock. Told from LogStart on it begins with the start of the
// server, at which everybody who has licenses takes them again. There is no
// other start in it: the time must have none. Uses are those of Readings, and
// refusals those of Denials.
func (s *Server) DebugLog(from, to time.Time) string {
	var lines []logLine
	add := func(at time.Time, format string, args ...any) {
		if !at.Before(from) && at.Before(to) {
			lines = append(lines, logLine{at, fmt.Sprintf(format, args...)})
		}
	}
	begin := s.LogStart(from)
	if begin.Equal(from) {
		s.logBegin(begin, add)
	}
	for at := begin.Add(markEvery); at.Before(to); at = at.Add(markEvery) {
		add(at, "(lmgrd) TIMESTAMP %s", at.In(s.Zone).Format("1/2/2006"))
	}
	for i := range s.Features {
		s.logFeature(&s.Features[i], begin, from, to, add)
	}
	for _, d := range s.Denials(from.Add(-time.Minute), to) {
		for n := range d.Count {
			add(d.At.Add(time.Duration(n)*retryAfter), "(%s) DENIED: %q %s@%s  (%s)", s.Daemon, d.Pool.Feature, d.User, d.Host, d.Reason)
		}
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return cmp.Or(a.at.Compare(b.at)) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%8s %s\n", l.at.In(s.Zone).Format("15:04:05"), l.text)
	}
	return b.String()
}

// logBegin is the head of a log.
func (s *Server) logBegin(at time.Time, add func(at time.Time, format string, args ...any)) {
	local := at.In(s.Zone)
	add(at, "(lmgrd) -----------------------------------------------")
	add(at, "(lmgrd)   Please Note:")
	add(at, "(lmgrd)   This log is intended for debug purposes only.")
	add(at, "(lmgrd) -----------------------------------------------")
	add(at, "(lmgrd) Server's System Date and Time: %s", local.Format("Mon Jan 02 2006 15:04:05 MST"))
	add(at, "(lmgrd) FlexNet Licensing (v%s build 272718 x64_n6) started on %s (linux) (%s)", s.Version, s.Name, local.Format("1/2/2006"))
	add(at, "(lmgrd) lmgrd tcp-port %d", s.Port)
	add(at, "(lmgrd) Starting vendor daemons ... ")
	add(at, "(lmgrd) Started %s (pid 1220)", s.Daemon)
	add(at, "(%s) FlexNet Licensing version v%s build 272718 x64_n6", s.Daemon, s.Version)
	var names []string
	for i := range s.Features {
		names = append(names, s.Features[i].Name)
	}
	add(at, "(%s) Server started on %s for:\t%s", s.Daemon, s.Name, strings.Join(names, "\t"))
}

// logFeature writes the check-outs and check-ins of a feature. All that are open
// when the log begins are taken in its first minute.
func (s *Server) logFeature(f *Feature, begin, from, to time.Time, add func(at time.Time, format string, args ...any)) {
	if f.Uncounted {
		return
	}
	count := ""
	if f.each() > 1 {
		count = fmt.Sprintf(" (%d licenses) ", f.each())
	}
	event := func(at time.Time, what string, i int64) {
		user, host := s.person(f, int(i))
		add(at, "(%s) %s: %q %s@%s %s", s.Daemon, what, f.Name, user, host, count)
	}
	first := from
	open := int64(0)
	if begin.Equal(from) {
		for ; open < s.open(f, begin); open++ {
			event(begin, "OUT", open)
		}
	} else {
		first = first.Add(-time.Second)
		open = s.open(f, first)
	}
	for at := first.Unix() - first.Unix()%grid + grid; at < to.Unix(); at += grid {
		t := time.Unix(at, 0).UTC()
		now := s.open(f, t)
		for ; open < now; open++ {
			event(t, "OUT", open)
		}
		for ; open > now; open-- {
			event(t, "IN", open-1)
		}
	}
}

// open is how many check-outs of a feature are open at t.
func (s *Server) open(f *Feature, t time.Time) int64 {
	n, _ := s.demand(f, t)
	return n
}
