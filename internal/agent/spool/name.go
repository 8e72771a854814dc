package spool

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The states of a file, which are the extensions of its name.
const (
	stateOpen     = "open"     // being written
	statePart     = "part"     // complete, but counts only with the batch that it replaces gone
	stateReady    = "ready"    // complete and synced
	stateAgain    = "again"    // sent once, and asked for again
	stateSent     = "sent"     // the hub has it
	stateReplaced = "replaced" // others stand for it; removed once they are in place
	stateBad      = "bad"      // unreadable or refused for good
)

// Names of files that are neither record nor batch.
const (
	lockName    = "lock"
	ballastName = "ballast"
)

// An entry is a record or a batch, as far as its file name tells.
type entry struct {
	seq    uint64    // of a batch; 0 for a record
	epoch  epochMark // of a batch; its floor is not used
	server string
	num    uint64 // of a record; of the last record in a batch
	count  int    // records in a batch; 1 for a record
	from   int64  // Unix seconds of the oldest record in it
	to     int64  // and of the newest
	sent   int64  // when the hub took it; only in state sent
	state  string
	size   int64 // of the file
}

func (e entry) isBatch() bool { return e.seq != 0 }

func (e entry) id() ID { return ID{Epoch: e.epoch.id(), Seq: e.seq} }

// name returns the entry's file name.
func (e entry) name() string {
	if !e.isBatch() {
		return fmt.Sprintf("record_%012d_%s_t%d-%d.%s", e.num, e.server, e.from, e.to, e.state)
	}
	s := fmt.Sprintf("batch_%s_%012d_%s_r%d_n%d_t%d-%d", e.epoch.id(), e.seq, e.server, e.num, e.count, e.from, e.to)
	if e.state == stateSent {
		s += "_s" + strconv.FormatInt(e.sent, 10)
	}
	return s + "." + e.state
}

// in returns the entry in another state.
func (e entry) in(state string) entry {
	e.state = state
	if state != stateSent {
		e.sent = 0
	}
	return e
}

// parseEntry is the inverse of name.
func parseEntry(name string) (entry, bool) {
	base, state, ok := strings.Cut(name, ".")
	if !ok {
		return entry{}, false
	}
	f := strings.Split(base, "_")
	p := nameParser{ok: true}
	e := entry{state: state}
	switch {
	case f[0] == "record" && len(f) == 4:
		e.num, e.server, e.count = p.number(f[1], ""), f[2], 1
		e.from, e.to = p.span(f[3])
	case f[0] == "batch" && len(f) == 7 && state != stateSent, f[0] == "batch" && len(f) == 8 && state == stateSent:
		e.epoch = p.epoch(f[1])
		e.seq, e.server = p.number(f[2], ""), f[3]
		e.num, e.count = p.number(f[4], "r"), int(p.number(f[5], "n"))
		e.from, e.to = p.span(f[6])
		if state == stateSent {
			e.sent = int64(p.number(f[7], "s"))
		}
	default:
		return entry{}, false
	}
	// A name that would be written otherwise is not ours.
	return e, p.ok && serverName.MatchString(e.server) && e.name() == name
}

// A nameParser reads the parts of a name; ok turns false at the first that is
// not as it should be.
type nameParser struct{ ok bool }

func (p *nameParser) number(s, prefix string) uint64 {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 63)
	p.ok = p.ok && ok && err == nil
	return n
}

func (p *nameParser) span(s string) (from, to int64) {
	a, b, ok := strings.Cut(s, "-")
	p.ok = p.ok && ok
	return int64(p.number(a, "t")), int64(p.number(b, ""))
}

func (p *nameParser) epoch(s string) epochMark {
	ordinal, salt, ok := strings.Cut(s, "-")
	p.ok = p.ok && ok
	return epochMark{ordinal: p.number(ordinal, ""), salt: salt}
}

// An epochMark is the empty file that says which epoch is the present one,
// and up to where its sequences were used by batches that are gone.
type epochMark struct {
	ordinal uint64 // orders the epochs of this spool
	salt    string // tells them from those of a copy of this spool
	floor   uint64
}

func newEpochMark(ordinal uint64) epochMark {
	salt := make([]byte, 8)
	rand.Read(salt) // never fails
	return epochMark{ordinal: ordinal, salt: hex.EncodeToString(salt)}
}

func (m epochMark) id() string { return fmt.Sprintf("%04d-%s", m.ordinal, m.salt) }

func (m epochMark) name() string { return fmt.Sprintf("epoch_%s_%012d.mark", m.id(), m.floor) }

// same tells whether two marks mean one epoch.
func (m epochMark) same(o epochMark) bool { return m.ordinal == o.ordinal && m.salt == o.salt }

// compare orders marks: the last one is the present epoch.
func (m epochMark) compare(o epochMark) int {
	return cmp.Or(cmp.Compare(m.ordinal, o.ordinal), cmp.Compare(m.salt, o.salt), cmp.Compare(m.floor, o.floor))
}

// parseMark is the inverse of name.
func parseMark(name string) (epochMark, bool) {
	base, ok := strings.CutSuffix(name, ".mark")
	f := strings.Split(base, "_")
	if !ok || len(f) != 3 || f[0] != "epoch" {
		return epochMark{}, false
	}
	p := nameParser{ok: true}
	m := p.epoch(f[1])
	m.floor = p.number(f[2], "")
	return m, p.ok && m.name() == name
}
