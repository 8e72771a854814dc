package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// makeRoom keeps the spool within its budget with need more bytes, and removes
// what was sent long ago. Sent batches go first.
func (s *Spool) makeRoom(need int64) error {
	if need > s.opt.Budget {
		return fmt.Errorf("%w: %d bytes are more than its whole budget of %d", ErrFull, need, s.opt.Budget)
	}
	expired := unixSeconds(s.opt.Now().Add(-s.opt.Keep))
	size := s.bytes + need
	var doomed []entry
	for _, b := range s.batches {
		if b.state == stateSent && (b.sent < expired || size > s.opt.Budget) {
			doomed = append(doomed, b)
			size -= b.size
		}
	}
	if err := s.discard(doomed); err != nil {
		return err
	}
	if size <= s.opt.Budget {
		return nil
	}
	return s.dropOldest(need)
}

// dropOldest removes the oldest content that the hub does not have, and
// declares it. It frees a tenth of the budget at once, so that a full spool
// does not fill itself with declarations.
func (s *Spool) dropOldest(need int64) error {
	unsent := slices.DeleteFunc(slices.Clone(s.batches), func(e entry) bool { return e.state == stateSent })
	for _, recs := range s.waiting {
		unsent = append(unsent, recs...)
	}
	slices.SortFunc(unsent, func(a, b entry) int { return cmp.Or(cmp.Compare(a.to, b.to), byOrder(a, b)) })

	target := s.opt.Budget - s.opt.Budget/10 - need
	size, n := s.bytes, 0
	for n < len(unsent) && size > target {
		size -= unsent[n].size
		n++
	}
	doomed := unsent[:n]
	for _, g := range gapsOf(doomed, "spool full") {
		if err := s.declare(g, true); err != nil {
			return err
		}
	}
	return s.discard(doomed)
}

// discard removes entries for good. The sequences of the present epoch that
// it removes are noted as used first.
func (s *Spool) discard(doomed []entry) error {
	if len(doomed) == 0 {
		return nil
	}
	floor := s.epoch.floor
	for _, e := range doomed {
		if e.isBatch() && e.epoch.same(s.epoch) {
			floor = max(floor, e.seq)
		}
	}
	if err := s.raiseFloor(floor); err != nil {
		return err
	}
	if err := s.remove(doomed); err != nil {
		return err
	}
	s.drop(doomed)
	return nil
}

func (s *Spool) raiseFloor(floor uint64) error {
	if floor == s.epoch.floor {
		return nil
	}
	mark := s.epoch
	mark.floor = floor
	if err := s.files.Rename(s.epoch.name(), mark.name()); err != nil {
		return s.broke(err)
	}
	if err := s.files.Sync(); err != nil {
		return s.broke(err)
	}
	s.epoch = mark
	return nil
}

// gapsOf returns one gap for each batch and, for loose records, one for each
// server.
func gapsOf(entries []entry, reason string) []Gap {
	var gaps []Gap
	loose := map[string]Gap{}
	for _, e := range entries {
		g := gapOf(e, reason)
		if e.isBatch() {
			gaps = append(gaps, g)
			continue
		}
		loose[e.server] = loose[e.server].with(g)
	}
	for _, server := range slices.Sorted(maps.Keys(loose)) {
		gaps = append(gaps, loose[server])
	}
	return gaps
}

func gapOf(e entry, reason string) Gap {
	g := Gap{Server: e.server, From: time.Unix(e.from, 0).UTC(), To: time.Unix(e.to, 0).UTC(), Records: e.count, Reason: reason}
	if e.isBatch() {
		g.Batch = e.id()
	}
	return g
}

// with returns the gap that covers both; the zero Gap covers nothing.
func (g Gap) with(o Gap) Gap {
	if g.Records == 0 {
		return o
	}
	if o.From.Before(g.From) {
		g.From = o.From
	}
	if o.To.After(g.To) {
		g.To = o.To
	}
	g.Records += o.Records
	return g
}

// declare makes a gap a record of its server.
func (s *Spool) declare(g Gap, mayUseBallast bool) error {
	record, err := s.opt.Declare(g)
	if err != nil {
		return fmt.Errorf("declare a gap of %s: %w", g.Server, err)
	}
	e := entry{server: g.Server, count: 1, from: unixSeconds(g.From), to: unixSeconds(g.To)}
	return s.putRecord(e, record, mayUseBallast)
}

// lose counts a record that found no room.
func (s *Spool) lose(server string, at int64, err error) {
	reason := "record not kept"
	if errors.Is(err, ErrFull) {
		reason = "spool full"
	}
	t := time.Unix(at, 0).UTC()
	s.lost[server] = s.lost[server].with(Gap{Server: server, From: t, To: t, Records: 1, Reason: reason})
}

// declareLost declares what was refused earlier.
func (s *Spool) declareLost() error {
	for _, server := range slices.Sorted(maps.Keys(s.lost)) {
		if err := s.declare(s.lost[server], false); err != nil {
			return err
		}
		delete(s.lost, server)
	}
	return nil
}

// makeBallast puts the ballast in its place, if it is not there.
func (s *Spool) makeBallast() error {
	if s.ballast {
		return nil
	}
	err := s.writeOnce(ballastName, make([]byte, s.opt.Ballast))
	if err == nil {
		err = s.files.Sync()
	}
	if err == nil {
		s.ballast = true
		return nil
	}
	err = fmt.Errorf("write ballast: %w", err)
	// A part of it would only take the room that others need.
	if rerr := s.files.Remove(ballastName); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}
