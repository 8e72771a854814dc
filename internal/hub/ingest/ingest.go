// Package ingest decides what to believe of what agents send. A batch is
// believed whole or not at all; every refusal names the line, the feature and
// what to look at. What is believed becomes days of series and facts about
// the license server, which a Store keeps exactly once.
package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"headroom/internal/fault"
	"headroom/internal/wire"
)

// An Agent is who sends: its signature has been verified.
type Agent struct{ Org, ID int64 }

// An Outcome is what became of a batch in the store.
type Outcome uint8

// The outcomes. After Stored, Known and Discarded the batch counts as there.
const (
	Stored    Outcome = iota + 1 // now, and the commit has reached the disk
	Known                        // it was there before, byte for byte
	Discarded                    // its server is nobody's any more, or all that it tells was deleted; its sequence was noted
	Forked                       // another content was there under this identity; nothing changed
	NoServer                     // the agent has no such server, or not yet; nothing changed
)

// A Store keeps batches.
type Store interface {
	// PutBatch keeps all that a batch says, or nothing, and returns when that
	// has reached the disk. Whatever the order in which batches come, how often
	// they are repeated and how many hub processes take them at the same time,
	// the same set of batches leaves the same history. An error leaves open
	// whether the batch was kept: the same batch is to be put again. Where too
	// many wait it is a fault.Unavailable.
	PutBatch(ctx context.Context, b *Batch) (Outcome, error)

	// NoteFork keeps that the identity of an agent was used by two: by a copy of
	// it, or by itself before and after it was rolled back.
	NoteFork(ctx context.Context, org, agent int64, at time.Time) error

	// BatchHash returns the hash of the batch that was kept under an identity,
	// nil if there is none.
	BatchHash(ctx context.Context, org, agent int64, epoch string, seq uint64) ([]byte, error)

	// Complete returns, for each epoch of an agent, the sequence below which
	// nothing is missing: what was stored, discarded or declared gone is there.
	Complete(ctx context.Context, org, agent int64) (map[string]uint64, error)
}

// An Ingester takes batches. Any number of goroutines may use it.
type Ingester struct {
	Store Store
	Now   func() time.Time
}

// Take takes a batch of an agent that was sent to the path of epoch and seq.
// When it returns a receipt, what the batch says survives a power cut, and the
// agent need not send it again. Refusals: fault.Invalid and fault.TooLarge for
// content that will never be taken, fault.Conflict for another content under
// an identity that was taken, fault.NotFound for a server that the agent does
// not have or that waits for approval, fault.Unavailable when it should come
// again later.
func (g *Ingester) Take(ctx context.Context, a Agent, epoch string, seq uint64, body []byte) (wire.Receipt, error) {
	now := g.Now()
	hash := sha256.Sum256(body)
	b, refusal := read(body, now, epoch, seq)
	if refusal != nil {
		return g.refuse(ctx, a, epoch, seq, hash[:], refusal)
	}
	b.Org, b.Agent, b.Hash, b.Received = a.Org, a.ID, hash[:], now
	outcome, err := g.Store.PutBatch(ctx, b)
	if err != nil {
		return wire.Receipt{}, err
	}
	receipt := wire.Receipt{Records: b.Records, Unknown: b.Unknown}
	switch outcome {
	case Stored:
		receipt.Status = wire.ReceiptStored
	case Known:
		receipt.Status = wire.ReceiptKnown
	case Discarded:
		receipt.Status = wire.ReceiptDiscarded
	case Forked:
		// Who is told goes on under another identity and will not come back with
		// this: the alarm is kept first.
		if err := g.Store.NoteFork(ctx, a.Org, a.ID, now); err != nil {
			return wire.Receipt{}, err
		}
		return wire.Receipt{}, fault.Errorf(fault.Conflict, "batch %s/%d was sent before with another content: "+
			"this agent was cloned or restored from a backup; go on with a new epoch", epoch, seq)
	default:
		return wire.Receipt{}, fault.Errorf(fault.NotFound, "this agent has no approved license server %s: "+
			"approve it in the console, or register again", b.Server)
	}
	return receipt, nil
}

// refuse refuses a batch, unless it was taken before: a batch that was believed
// once is there, even where the rules have become stricter since.
func (g *Ingester) refuse(ctx context.Context, a Agent, epoch string, seq uint64, hash []byte, refusal error) (wire.Receipt, error) {
	if checkIdentity(epoch, seq) != nil {
		return wire.Receipt{}, refusal
	}
	taken, err := g.Store.BatchHash(ctx, a.Org, a.ID, epoch, seq)
	if err != nil {
		return wire.Receipt{}, err
	}
	if !bytes.Equal(taken, hash) {
		return wire.Receipt{}, refusal
	}
	return wire.Receipt{Status: wire.ReceiptKnown}, nil
}

// Complete returns what a poll tells an agent of its epochs
// (wire.PollAnswer.Complete).
func (g *Ingester) Complete(ctx context.Context, a Agent) (map[string]uint64, error) {
	return g.Store.Complete(ctx, a.Org, a.ID)
}

// read decides about a batch all that can be decided without the store.
func read(body []byte, now time.Time, epoch string, seq uint64) (*Batch, error) {
	if err := checkIdentity(epoch, seq); err != nil {
		return nil, err
	}
	content, err := wire.ReadBatch(bytes.NewReader(body))
	if e, ok := errors.AsType[*wire.BatchError](err); ok {
		kind := fault.Invalid
		if e.TooLarge {
			kind = fault.TooLarge
		}
		return nil, fault.Errorf(kind, "%s", e.Error())
	}
	if err != nil {
		return nil, err
	}
	if err := checkHeader(content.Header, epoch, seq); err != nil {
		return nil, err
	}
	return build(content, now)
}
