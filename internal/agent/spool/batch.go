package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Next returns the oldest batch that waits for the hub, or ErrEmpty. It stays
// the oldest until Sent, Bad or Replace is called for it. A batch that cannot
// be read is set aside, declared as a gap, and passed over.
func (s *Spool) Next() (Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return Batch{}, err
	}
	for {
		i := slices.IndexFunc(s.batches, func(e entry) bool { return e.state != stateSent })
		if i < 0 {
			return Batch{}, ErrEmpty
		}
		e := s.batches[i]
		body, err := s.read(e)
		if errors.Is(err, errDamaged) {
			if err := s.setAside(e, err.Error()); err != nil {
				return Batch{}, fmt.Errorf("set batch %s aside: %w", e.id(), err)
			}
			continue
		}
		if err != nil {
			return Batch{}, fmt.Errorf("read batch %s: %w", e.id(), err)
		}
		return e.batch(body), nil
	}
}

func (e entry) batch(body []byte) Batch {
	return Batch{
		ID: e.id(), Server: e.server, Records: e.count, Again: e.state == stateAgain, Body: body,
		From: time.Unix(e.from, 0).UTC(), To: time.Unix(e.to, 0).UTC(),
	}
}

// LastSent returns the batch that the hub took last, of those that are kept, and
// when that was. ErrEmpty if there is none.
func (s *Spool) LastSent() (Batch, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return Batch{}, time.Time{}, err
	}
	var last entry
	for _, e := range s.batches {
		if e.state == stateSent && e.sent >= last.sent {
			last = e
		}
	}
	if !last.isBatch() {
		return Batch{}, time.Time{}, ErrEmpty
	}
	body, err := s.read(last)
	if err != nil {
		return Batch{}, time.Time{}, fmt.Errorf("read batch %s: %w", last.id(), err)
	}
	return last.batch(body), time.Unix(last.sent, 0).UTC(), nil
}

// find returns the unsent batch of an identity.
func (s *Spool) find(id ID) (entry, error) {
	if err := s.begin(); err != nil {
		return entry{}, err
	}
	for _, e := range s.batches {
		if e.id() == id && e.state != stateSent {
			return e, nil
		}
	}
	return entry{}, fmt.Errorf("batch %s: %w", id, ErrUnknown)
}

// rename gives a batch that is in the list another state.
func (s *Spool) rename(e, as entry) error {
	if err := s.files.Rename(e.name(), as.name()); err != nil {
		return s.broke(err)
	}
	return nil
}

// Sent notes that the hub has a batch. The batch is kept for Options.Keep,
// within the budget. ErrUnknown if it does not wait: it was dropped meanwhile,
// or is noted already.
func (s *Spool) Sent(id ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(id)
	if err != nil {
		return err
	}
	as := e.in(stateSent)
	as.sent = unixSeconds(s.opt.Now())
	if err := s.move(e, as); err != nil {
		return fmt.Errorf("note batch %s as sent: %w", id, err)
	}
	return nil
}

// move makes another state of a batch durable.
func (s *Spool) move(e, as entry) error {
	if err := s.rename(e, as); err != nil {
		return err
	}
	if err := s.files.Sync(); err != nil {
		return s.broke(err)
	}
	s.batches[slices.Index(s.batches, e)] = as
	return nil
}

// Bad sets aside a batch that the hub will never take, and declares it as a
// gap, together with the batches that it stood for. The file is kept for a
// person.
func (s *Spool) Bad(id ID, reason string, stoodFor ...ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(id)
	if err != nil {
		return err
	}
	gap := gapOf(e, reason)
	gap.StoodFor = stoodFor
	if err := s.setAsideAs(e, gap); err != nil {
		return fmt.Errorf("set batch %s aside: %w", id, err)
	}
	return nil
}

// setAside takes a record or batch out of the way. The gap comes first: a
// crash in between declares a loss that did not happen, which the next
// attempt repeats; the other order could lose in silence.
func (s *Spool) setAside(e entry, reason string) error {
	return s.setAsideAs(e, gapOf(e, reason))
}

func (s *Spool) setAsideAs(e entry, gap Gap) error {
	if err := s.declare(gap, true); err != nil {
		return err
	}
	if err := s.rename(e, e.in(stateBad)); err != nil {
		return err
	}
	if err := s.files.Sync(); err != nil {
		return s.broke(err)
	}
	s.drop([]entry{e})
	s.bad++
	s.badSize += e.size
	return nil
}

// A Part is one of the batches that take the place of another.
type Part struct {
	Body    []byte
	Records int
}

// Replace lets other batches stand for one that waits: for its halves when
// the hub finds it too large, or for the same content in a new epoch. build
// gets the identity of the first of them (the others follow in sequence) and
// must not call the spool. The step is atomic: after a crash either the batch
// waits or all of its parts do.
func (s *Spool) Replace(id ID, build func(first ID) ([]Part, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(id)
	if err != nil {
		return err
	}
	if err := s.replace(e, build); err != nil {
		return fmt.Errorf("replace batch %s: %w", id, err)
	}
	return nil
}

func (s *Spool) replace(e entry, build func(ID) ([]Part, error)) error {
	parts, err := build(ID{Epoch: s.epoch.id(), Seq: s.nextSeq})
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return errors.New("nothing would stand for it")
	}
	news := make([]entry, len(parts))
	for i, p := range parts {
		n := e.in(statePart)
		n.epoch, n.seq, n.count = s.epoch, s.nextSeq+uint64(i), p.Records
		n.size = int64(frameHead + len(p.Body))
		if err := s.write(n.name(), frame(p.Body), true); err != nil {
			return s.broke(err)
		}
		news[i] = n
	}
	if err := s.files.Sync(); err != nil {
		return s.broke(err)
	}
	// The parts are safe. This rename decides.
	old := e.in(stateReplaced)
	if err := s.move(e, old); err != nil {
		return err
	}
	s.stale = true // until the rest is done, which reading again would do too
	for i, n := range news {
		news[i] = n.in(stateReady)
		if err := s.rename(n, news[i]); err != nil {
			return nil
		}
	}
	if err := s.files.Sync(); err != nil {
		return nil
	}
	if err := s.remove([]entry{old}); err != nil {
		return nil
	}
	s.stale = false
	s.drop([]entry{old})
	for _, n := range news {
		s.add(n)
	}
	s.nextSeq += uint64(len(news))
	return nil
}

// NewEpoch begins another epoch, in which sequences start from 1. It is the
// answer to a hub that has other content under an identity of ours: this
// spool was copied or rolled back. Batches of earlier epochs keep their
// identities until they are replaced.
func (s *Spool) NewEpoch() (ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return ID{}, err
	}
	old, mark := s.epoch, newEpochMark(s.epoch.ordinal+1)
	if err := s.writeMark(mark); err != nil {
		return ID{}, s.broke(err)
	}
	s.epoch, s.nextSeq = mark, 1
	if err := s.files.Remove(old.name()); err != nil {
		s.stale = true // the new mark counts already
	}
	return ID{Epoch: mark.id(), Seq: 1}, nil
}

// Resend makes the batches of an epoch from a sequence on wait again, after a
// hub has lost what it had acknowledged. It returns how many it found; those
// that are no longer kept cannot come back.
func (s *Spool) Resend(epoch string, from uint64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return 0, err
	}
	n := 0
	for i, e := range s.batches {
		if e.state != stateSent || e.epoch.id() != epoch || e.seq < from {
			continue
		}
		if err := s.rename(e, e.in(stateAgain)); err != nil {
			return n, fmt.Errorf("resend batch %s: %w", e.id(), err)
		}
		s.batches[i] = e.in(stateAgain)
		n++
	}
	if n == 0 {
		return 0, nil
	}
	if err := s.files.Sync(); err != nil {
		return n, s.broke(err)
	}
	return n, nil
}
