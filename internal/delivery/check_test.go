package delivery_test

import (
	"context"
	"maps"
	"time"

	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
)

// checkRemoved is I6: a removed agent stores nothing.
func (w *world) checkRemoved() {
	w.t.Helper()
	if w.before == nil {
		return
	}
	w.release()
	if got := w.hub.complete(); !maps.Equal(got, w.before) {
		w.t.Errorf("I6: at its removal the hub had %v of the agent, later %v", w.before, got)
	}
}

// check compares what was sampled with what the hub has.
func (w *world) check() {
	w.t.Helper()
	got := w.stored()
	gaps := w.gaps()
	for _, s := range w.samples[1:] {
		at, ok := got[s.n]
		switch {
		case ok && at != s.believed():
			w.t.Errorf("sample %d of %d: the hub has it under %d", s.n, s.believed(), at)
		case ok && at < w.erased[s.server]:
			w.t.Errorf("I5: sample %d of %s is older than the deletion and is there", s.n, instant(at))
		case ok || declared(gaps[s.server], s.at):
		case min(s.taken, s.at, s.believed()) < w.erased[s.server]: // deleted, it or the gap that told of it by the agent's clock
		case s.acked:
			w.t.Errorf("I1: sample %d of %s was acknowledged and is not at the hub", s.n, instant(s.at))
		case s.excused == "":
			w.t.Errorf("I3: sample %d of %s is neither at the hub nor declared; kept: %t", s.n, instant(s.at), s.kept)
		}
		if !ok {
			w.count.unstored++
		}
	}
}

// stored returns the instant of each value that the hub has.
func (w *world) stored() map[int64]int64 {
	w.t.Helper()
	ctx := context.Background()
	pools, err := w.hub.db.Pools(ctx, w.hub.org)
	if err != nil {
		w.t.Fatal(err)
	}
	servers := w.servers()
	got := map[int64]int64{}
	for _, p := range pools {
		for day, err := range storetest.Days(ctx, w.hub.db, w.hub.org, p.Server, -1<<30, 1<<30) {
			if err != nil {
				w.t.Fatal(err)
			}
			for _, pd := range day.Pools {
				if pd.Pool != p.ID {
					continue
				}
				for _, s := range pd.Samples {
					n := s.InUse.N
					if n < 1 || n >= int64(len(w.samples)) || w.samples[n].server != servers[p.Server] {
						w.t.Errorf("I4: value %d is under server %d, which nobody has read there", n, servers[p.Server])
						continue
					}
					if at, ok := got[n]; ok {
						w.t.Errorf("I2: sample %d is stored at %d and at %d", n, at, s.At)
					}
					got[n] = s.At
				}
			}
		}
	}
	return got
}

// gaps returns what the agents have declared, by server.
func (w *world) gaps() map[int][]usage.Gap {
	w.t.Helper()
	all := map[int][]usage.Gap{}
	for id, server := range w.servers() {
		gaps, err := w.hub.db.Gaps(context.Background(), w.hub.org, id, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		all[server] = gaps
		w.count.gaps += len(gaps)
	}
	return all
}

// servers returns which of guids each of the hub's servers is, by its number.
func (w *world) servers() map[int64]int {
	w.t.Helper()
	records, err := w.hub.db.Servers(context.Background(), w.hub.org)
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[int64]int{}
	for _, r := range records {
		for i, guid := range guids {
			if r.GUID == guid {
				all[r.ID] = i
			}
		}
	}
	return all
}

func declared(gaps []usage.Gap, at int64) bool {
	for _, g := range gaps {
		if g.From.Unix() <= at && at <= g.To.Unix() {
			return true
		}
	}
	return false
}

func instant(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }
