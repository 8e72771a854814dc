package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// A Hash is SHA-256. The zero Hash stands before the first entry.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// parseHash reads what String writes.
func parseHash(text string) (h Hash, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%.80q is not a SHA-256 hash in hexadecimal digits", text)
	}
	return Hash(b), nil
}

// version is the first thing that is hashed of an entry: other fields in another
// version do not look like these.
const version = "headroom audit 1"

// Chain returns the hash of an entry that follows one with the hash before: SHA-256
// of that hash and of the fields, each with its length in eight bytes before it,
// so that no two entries look the same (docs/format/audit.md).
func (e *Entry) Chain(before Hash) Hash {
	h := sha256.New()
	h.Write(before[:])
	for _, field := range [...]string{
		version, number(e.Org), number(e.Seq), number(e.At.UnixMilli()), string(e.Act),
		number(e.Actor.Member), e.Actor.Name, e.Actor.Address, e.Subject, e.Detail,
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
	return Hash(h.Sum(nil))
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// A Checkpoint says how long a chain was at an instant, and what its head was.
type Checkpoint struct {
	Seq  int64 // of the last entry; 0: there was none
	Head Hash
}

// A Checker goes through the entries of an organisation from the first to the last,
// and compares them with checkpoints that somebody else has kept.
type Checker struct {
	witnesses map[int64]Hash
	last      Checkpoint
}

// NewChecker returns a checker that knows of some checkpoints.
func NewChecker(witnesses []Checkpoint) *Checker {
	c := &Checker{witnesses: make(map[int64]Hash)}
	for _, w := range witnesses {
		c.witnesses[w.Seq] = w.Head
	}
	return c
}

// Add checks the next entry. The error says what is wrong with it; nothing that
// follows it is to be believed.
func (c *Checker) Add(e Entry) error {
	if e.Seq != c.last.Seq+1 {
		return fmt.Errorf("entry %d follows entry %d: what stood between them is gone", e.Seq, c.last.Seq)
	}
	if e.Hash != e.Chain(c.last.Head) {
		return fmt.Errorf("entry %d (%s by %s, %s) was changed, or one before it was: its hash is not that of its content",
			e.Seq, e.Act, e.Actor.Name, e.At.UTC().Format(time.RFC3339))
	}
	if head, ok := c.witnesses[e.Seq]; ok && head != e.Hash {
		return fmt.Errorf("entry %d is not the one that an agent has witnessed: the log was written anew", e.Seq)
	}
	c.last = Checkpoint{e.Seq, e.Hash}
	return nil
}

// End returns what the log ends with. The error says that entries are missing
// there: more were given out, or were witnessed. given is the number of the last
// entry that was ever made.
func (c *Checker) End(given int64) (Checkpoint, error) {
	for seq := range c.witnesses {
		given = max(given, seq)
	}
	if given > c.last.Seq {
		return c.last, fmt.Errorf("the log ends with entry %d, and there were %d: its end was cut off", c.last.Seq, given)
	}
	return c.last, nil
}
