package lsdyna

import (
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A group is a number of programs that share licenses.
type group struct {
	programs []program
	jobs     []license.Holder // without their pool
	counts   counts           // zero if the group's line is missing
}

// A program is one row of the table. Its counts are those of the group once
// more.
type program struct {
	name   string
	expiry string // as printed
}

// counts are the numbers of one line of the table.
type counts struct {
	name       string
	expiry     string
	used       license.Count // unknown where the line has "-": its jobs follow
	max, queue int64
}

// readCounts reads "NAME EXPIRATION USED FREE MAX | QUEUE", and the same
// without an expiration for the group.
func readCounts(t string) (counts, bool) {
	left, right, ok := strings.Cut(t, "|")
	w := strings.Fields(left)
	if !ok || len(w) < 4 {
		return counts{}, false
	}
	name, numbers := w[:len(w)-3], w[len(w)-3:]
	c := counts{name: strings.Join(name, " ")}
	if c.name != Group && len(name) > 1 {
		c.name, c.expiry = strings.Join(name[:len(name)-1], " "), name[len(name)-1]
	}
	used, isCount := text.ParseCount(numbers[0])
	if isCount {
		c.used = license.Of(used)
	}
	_, ok1 := text.ParseCount(numbers[1])
	var ok2, ok3 bool
	c.max, ok2 = text.ParseCount(numbers[2])
	c.queue, ok3 = text.ParseCount(strings.TrimSpace(right))
	return c, (isCount || numbers[0] == "-") && ok1 && ok2 && ok3
}

// addJob reads "USER PID@HOST CPUS", a job of the program above it.
func (g *group) addJob(t string) bool {
	w := strings.Fields(t)
	if len(g.programs) == 0 || len(w) < 3 {
		return false
	}
	cpus, ok := text.ParseCount(w[len(w)-1])
	pid, host, isJob := strings.Cut(w[len(w)-2], "@")
	_, isPID := text.ParseCount(pid)
	if !ok || !isJob || !isPID {
		return false
	}
	g.jobs = append(g.jobs, license.Holder{
		User: strings.Join(w[:len(w)-2], " "), Host: host, Display: g.programs[len(g.programs)-1].name,
		Licenses: cpus, Kind: license.HolderActive, Handle: pid,
	})
	return true
}

// reading returns what the group's line says. The rows of programs are no
// substitute for it: each of them repeats the counts of the group.
func (g *group) reading(pool license.Pool) license.Reading {
	r := license.Reading{Pool: pool}
	if g.counts.name == "" {
		r.Reason = "the output has no line " + Group
		return r
	}
	r.State, r.Installed = license.StateOf(g.counts.max)
	r.InUse, r.Queued = g.counts.used, license.Of(g.counts.queue)
	return r
}

// terms returns one term for each date on which programs of the group expire.
// With several dates, how many licenses are left after the first is not told.
func (g *group) terms(r license.Reading) []facts.Term {
	var all []facts.Term
	seen := map[string]bool{"": true}
	for _, p := range g.programs {
		if seen[p.expiry] {
			continue
		}
		seen[p.expiry] = true
		term := facts.Term{Pool: r.Pool, Text: p.expiry}
		if day, ok := text.ParseSlashDay(p.expiry); ok {
			term.Expiry = day.Midnight()
		}
		all = append(all, term)
	}
	if len(all) == 1 {
		all[0].State, all[0].Count = r.State, r.Installed
	}
	return all
}
