package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// A Limit bounds what goes into one batch; a batch holds at least one record,
// however large. A zero field is no bound.
type Limit struct {
	Records int
	Bytes   int64 // of the records as they were appended
}

// Append adds a record of a license server to the end of its queue. When it
// returns nil the record survives a power cut. After an error the record is
// counted as lost and declared as part of a gap, once there is room again; a
// full disk or an exhausted budget is ErrFull. The server is named by lower
// case letters, digits and "-", at most 64; at is the record's own time.
func (s *Spool) Append(server string, at time.Time, record []byte) error {
	if !serverName.MatchString(server) {
		return fmt.Errorf("append to spool: %q cannot name a server here", server)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := unixSeconds(at)
	err := s.append(entry{server: server, count: 1, from: sec, to: sec}, record)
	if err == nil {
		return nil
	}
	if isFull(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.lose(server, sec, err)
	return fmt.Errorf("append record of %s: %w", server, err)
}

func (s *Spool) append(e entry, record []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.makeRoom(int64(frameHead + len(record))); err != nil {
		return err
	}
	if err := s.makeBallast(); err != nil {
		return err
	}
	if err := s.declareLost(); err != nil {
		return err
	}
	return s.putRecord(e, record, false)
}

// putRecord writes a record under the next number.
func (s *Spool) putRecord(e entry, record []byte, mayUseBallast bool) error {
	e.num = s.nextNum
	e, err := s.put(e, record, mayUseBallast)
	if err != nil {
		return err
	}
	s.nextNum++
	s.add(e)
	return nil
}

// Seal makes the oldest waiting records of a server into the next batch and
// reports whether there were any. build turns them into the batch's content,
// and must not call the spool; if it fails, the records go on waiting. The
// step is atomic: after a crash either the records wait or the batch exists.
// The rename of the finished batch decides, since its name tells the last
// record in it.
//
// A record that cannot be read is set aside and declared as a gap.
func (s *Spool) Seal(server string, lim Limit, build func(id ID, records [][]byte) ([]byte, error)) (ID, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok, err := s.seal(server, lim, build)
	if err != nil {
		return ID{}, false, fmt.Errorf("seal records of %s: %w", server, err)
	}
	return id, ok, nil
}

func (s *Spool) seal(server string, lim Limit, build func(ID, [][]byte) ([]byte, error)) (ID, bool, error) {
	if err := s.begin(); err != nil {
		return ID{}, false, err
	}
	taken, records, err := s.take(server, lim)
	if err != nil || len(taken) == 0 {
		return ID{}, false, err
	}
	b := entry{epoch: s.epoch, seq: s.nextSeq, server: server, num: taken[len(taken)-1].num, count: len(taken)}
	b.from, b.to = spanOf(taken)
	body, err := build(b.id(), records)
	if err != nil {
		return ID{}, false, err
	}
	b, err = s.put(b, body, true)
	if err != nil {
		return ID{}, false, err
	}
	s.nextSeq++
	s.add(b)
	s.drop(taken)
	if err := s.remove(taken); err != nil {
		// The batch stands. The next operation finds the leftovers.
		s.stale = true
	}
	return b.id(), true, nil
}

// take reads the oldest records of a server.
func (s *Spool) take(server string, lim Limit) (taken []entry, records [][]byte, err error) {
	var size int64
	for i := 0; i < len(s.waiting[server]); {
		r := s.waiting[server][i]
		full := lim.Records > 0 && i >= lim.Records || lim.Bytes > 0 && size+r.size > lim.Bytes
		if i > 0 && full {
			break
		}
		content, err := s.read(r)
		if errors.Is(err, errDamaged) {
			if err := s.setAside(r, err.Error()); err != nil {
				return nil, nil, err
			}
			continue // the next record has moved up to i
		}
		if err != nil {
			return nil, nil, err
		}
		taken, records = append(taken, r), append(records, content)
		size += r.size
		i++
	}
	return taken, records, nil
}

// put writes an entry as a new file: first under the extension open, then,
// complete and synced, as ready.
func (s *Spool) put(e entry, content []byte, mayUseBallast bool) (entry, error) {
	open, e := e.in(stateOpen), e.in(stateReady)
	if err := s.write(open.name(), frame(content), mayUseBallast); err != nil {
		return e, s.broke(err)
	}
	if err := s.files.Rename(open.name(), e.name()); err != nil {
		return e, s.broke(err)
	}
	if err := s.files.Sync(); err != nil {
		return e, s.broke(err)
	}
	e.size = int64(frameHead + len(content))
	return e, nil
}

// write makes the bytes of a file durable, though not yet its name. On a full
// disk the ballast gives its place, where it may.
func (s *Spool) write(name string, content []byte, mayUseBallast bool) error {
	err := s.writeOnce(name, content)
	if !isFull(err) || !mayUseBallast || !s.ballast {
		return err
	}
	if rerr := s.files.Remove(ballastName); rerr != nil {
		return errors.Join(err, rerr)
	}
	s.ballast = false
	return s.writeOnce(name, content)
}

func (s *Spool) writeOnce(name string, content []byte) error {
	f, err := s.files.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// readTries is how often a file that the system cannot read is tried again
// before it counts as damaged.
const readTries = 3

// read returns the content of a record or batch, or errDamaged.
func (s *Spool) read(e entry) ([]byte, error) {
	name := e.name()
	raw, err := s.files.Read(name)
	if err == nil {
		delete(s.tries, name)
		return unframe(raw)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.broke(err)
	}
	s.tries[name]++
	if s.tries[name] >= readTries {
		delete(s.tries, name)
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil, err
}

// remove removes files for good.
func (s *Spool) remove(entries []entry) error {
	for _, e := range entries {
		if err := s.files.Remove(e.name()); err != nil {
			return s.broke(err)
		}
	}
	if err := s.files.Sync(); err != nil {
		return s.broke(err)
	}
	return nil
}

// add puts an entry at the end of its list.
func (s *Spool) add(e entry) {
	s.bytes += e.size
	if e.isBatch() {
		s.batches = append(s.batches, e)
		return
	}
	s.waiting[e.server] = append(s.waiting[e.server], e)
}

// drop takes entries out of their lists.
func (s *Spool) drop(entries []entry) {
	gone := make(map[entry]bool, len(entries))
	for _, e := range entries {
		gone[e] = true
		s.bytes -= e.size
	}
	isGone := func(e entry) bool { return gone[e] }
	s.batches = slices.DeleteFunc(s.batches, isGone)
	for server, recs := range s.waiting {
		recs = slices.DeleteFunc(recs, isGone)
		if len(recs) == 0 {
			delete(s.waiting, server)
			continue
		}
		s.waiting[server] = recs
	}
}

// byOrder is the order of records by number and of batches by identity.
func byOrder(a, b entry) int {
	return cmp.Or(a.epoch.compare(b.epoch), cmp.Compare(a.seq, b.seq), cmp.Compare(a.num, b.num))
}

func spanOf(entries []entry) (from, to int64) {
	from, to = entries[0].from, entries[0].to
	for _, e := range entries {
		from, to = min(from, e.from), max(to, e.to)
	}
	return from, to
}

// unixSeconds is a time as file names tell it: not before 1970.
func unixSeconds(t time.Time) int64 { return max(0, t.Unix()) }
