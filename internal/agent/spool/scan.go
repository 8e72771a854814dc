package spool

import (
	"fmt"
	"slices"
)

// A listing is a directory, sorted out by what its names say.
type listing struct {
	marks      []epochMark
	open       []entry // records and batches
	parts      []entry
	replaced   []entry
	records    []entry // ready
	batches    []entry // ready, again, sent
	bad        []entry
	hasBallast bool
}

// sortOut reads the names of a directory. Files that are not ours are left
// alone.
func (s *Spool) sortOut(files []FileInfo) listing {
	var l listing
	for _, f := range files {
		if f.Name == ballastName {
			l.hasBallast = f.Size == s.opt.Ballast
		}
		if m, ok := parseMark(f.Name); ok {
			l.marks = append(l.marks, m)
		}
		e, ok := parseEntry(f.Name)
		if !ok {
			continue
		}
		e.size = f.Size
		switch {
		case e.state == stateOpen:
			l.open = append(l.open, e)
		case e.state == stateBad:
			l.bad = append(l.bad, e)
		case e.isBatch() && e.state == statePart:
			l.parts = append(l.parts, e)
		case e.isBatch() && e.state == stateReplaced:
			l.replaced = append(l.replaced, e)
		case e.isBatch() && (e.state == stateReady || e.state == stateAgain || e.state == stateSent):
			l.batches = append(l.batches, e)
		case !e.isBatch() && e.state == stateReady:
			l.records = append(l.records, e)
		}
	}
	return l
}

// scan reads the directory, brings to an end what was interrupted, and sets
// the memory accordingly. It may be interrupted and repeated at any point.
func (s *Spool) scan() (Recovery, error) {
	// What we see may not be durable yet; what we decide rests on it.
	if err := s.files.Sync(); err != nil {
		return Recovery{}, err
	}
	files, err := s.files.List()
	if err != nil {
		return Recovery{}, err
	}
	l := s.sortOut(files)
	rec := Recovery{Bad: len(l.bad)}
	if err := s.settleParts(&l, &rec); err != nil {
		return Recovery{}, err
	}
	if err := s.sweep(&l, &rec); err != nil {
		return Recovery{}, err
	}
	if err := s.settleEpoch(&l); err != nil {
		return Recovery{}, err
	}
	s.remember(&l)
	return rec, nil
}

// settleParts ends an interrupted Replace: forward where the batch had already
// given up its place, back where it had not.
func (s *Spool) settleParts(l *listing, rec *Recovery) error {
	if len(l.replaced) == 0 {
		l.open = append(l.open, l.parts...)
		return nil
	}
	for _, p := range l.parts {
		if err := s.files.Rename(p.name(), p.in(stateReady).name()); err != nil {
			return err
		}
		l.batches = append(l.batches, p.in(stateReady))
	}
	if err := s.files.Sync(); err != nil {
		return err
	}
	for _, e := range l.replaced {
		if err := s.files.Remove(e.name()); err != nil {
			return err
		}
		rec.Finished++
	}
	return s.files.Sync()
}

// sweep removes what was never finished, and the records that are in a batch
// already. Records enter batches in order, so that the last record of a
// server's batches tells which ones are.
func (s *Spool) sweep(l *listing, rec *Recovery) error {
	last := map[string]uint64{}
	for _, group := range [][]entry{l.batches, l.replaced, l.bad} {
		for _, b := range group {
			if b.isBatch() {
				last[b.server] = max(last[b.server], b.num)
			}
		}
	}
	gone := l.open
	rec.Unfinished = len(l.open)
	l.records = slices.DeleteFunc(l.records, func(r entry) bool {
		leftover := r.num <= last[r.server]
		if leftover {
			gone = append(gone, r)
			rec.Leftover++
		}
		return leftover
	})
	for _, e := range gone {
		if err := s.files.Remove(e.name()); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.files.Sync()
}

// settleEpoch finds the present epoch. Without a mark nobody knows which
// sequences were used, so that a new epoch begins.
func (s *Spool) settleEpoch(l *listing) error {
	if len(l.marks) == 0 {
		var ordinal uint64
		for _, b := range slices.Concat(l.batches, l.bad) {
			ordinal = max(ordinal, b.epoch.ordinal)
		}
		mark := newEpochMark(ordinal + 1)
		if err := s.writeMark(mark); err != nil {
			return err
		}
		l.marks = []epochMark{mark}
		return nil
	}
	slices.SortFunc(l.marks, epochMark.compare)
	for _, m := range l.marks[:len(l.marks)-1] {
		if err := s.files.Remove(m.name()); err != nil {
			return err
		}
	}
	return nil
}

// writeMark makes an epoch's mark durable.
func (s *Spool) writeMark(m epochMark) error {
	if err := s.write(m.name(), nil, true); err != nil {
		return fmt.Errorf("begin epoch: %w", err)
	}
	return s.files.Sync()
}

// remember sets the memory to what the directory holds.
func (s *Spool) remember(l *listing) {
	s.epoch = l.marks[len(l.marks)-1]
	s.nextNum, s.nextSeq = 1, s.epoch.floor+1
	s.waiting, s.batches = map[string][]entry{}, nil
	s.bytes, s.bad, s.badSize = 0, 0, 0
	s.ballast = l.hasBallast
	for _, e := range slices.Concat(l.records, l.batches, l.bad) {
		s.nextNum = max(s.nextNum, e.num+1)
		if e.isBatch() && e.epoch.same(s.epoch) {
			s.nextSeq = max(s.nextSeq, e.seq+1)
		}
		if e.state == stateBad {
			s.bad++
			s.badSize += e.size
			continue
		}
		s.add(e)
	}
	for _, recs := range s.waiting {
		slices.SortFunc(recs, byOrder)
	}
	slices.SortFunc(s.batches, byOrder)
}
