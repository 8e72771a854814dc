package usage

import (
	"slices"
	"sync"

	"headroom/internal/catalog"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// Entitled counts each entitlement once: licenses that were granted to an
// organisation, and that several of its license servers report (design section
// 6). Those of them that still have it and report are compared by what the pool
// is called; the server that reports the most counts its licenses, among equals
// the one that has reported it for longest. On the others the use counts and the
// licenses do not, now and in all their history.
//
// What is not compared is history: a server that has it no more counted it as
// long as it had it.
func entitled(p *past, lines []*line) []*line {
	var groups map[license.Pool][]int
	for i, l := range lines {
		if !catalog.Entitlement(l.pool.Key) || l.server.Status == Removed {
			continue
		}
		if v := l.latest(); v.ok && !v.gone && v.Installed.Known {
			if groups == nil {
				groups = make(map[license.Pool][]int)
			}
			groups[l.pool.Key] = append(groups[l.pool.Key], i)
		}
	}
	out := lines
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		if &out[0] == &lines[0] {
			out = slices.Clone(lines)
		}
		counting := slices.MinFunc(group, func(a, b int) int { return byReport(lines[a], lines[b]) })
		for _, i := range group {
			if i != counting {
				echo := *lines[i]
				echo.with, echo.track = lines[counting].server, p.echoes.of(echo.track)
				out[i] = &echo
			}
		}
	}
	return out
}

// byReport puts first the line whose report of an entitlement counts.
func byReport(a, b *line) int {
	if ra, rb := a.server.Status == Reporting, b.server.Status == Reporting; ra != rb {
		if ra {
			return -1
		}
		return 1
	}
	if na, nb := a.latest().Installed.N, b.latest().Installed.N; na != nb {
		return int(max(-1, min(1, nb-na)))
	}
	return int(max(-1, min(1, a.pool.First-b.pool.First)))
}

// alone returns lines as their license servers tell them, each for itself.
func alone(lines []*line) []*line {
	if !slices.ContainsFunc(lines, func(l *line) bool { return l.with != nil }) {
		return lines
	}
	out := slices.Clone(lines)
	for i, l := range out {
		if l.with != nil {
			self := *l
			self.with, self.track = nil, l.server.past.track(l.pool.ID)
			out[i] = &self
		}
	}
	return out
}

// Echoes are tracks whose licenses count with another one's (insight.Track.Echo).
// Each is one track for as long as its original is, so that what was found of it
// can be found again.
type echoes struct {
	mu sync.Mutex
	by map[*insight.Track]*insight.Track
}

// of returns the echo of a track; nil of none.
func (e *echoes) of(t *insight.Track) *insight.Track {
	if t == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by[t] == nil {
		if e.by == nil {
			e.by = make(map[*insight.Track]*insight.Track)
		}
		e.by[t] = t.Echo()
	}
	return e.by[t]
}

// follow brings the echoes up to their originals, and drops those of tracks that
// are there no more. Nobody asks meanwhile.
func (e *echoes) follow(servers map[int64]*serverPast) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for original, echo := range e.by {
		if s := servers[original.Server]; s == nil || s.track(original.Pool) != original {
			delete(e.by, original)
			continue
		}
		echo.Follow(original)
	}
}
