package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/internal/agent/spool"
)

// Bounds of one batch.
const (
	batchRecords = 5_000
	batchBytes   = 4 << 20
)

// A Drain empties a spool into a hub. Only one may run on a spool at a time.
type Drain struct {
	Spool   *spool.Spool
	Client  *Client
	Now     func() time.Time
	Version string // of the agent
	Log     *slog.Logger
}

// A Sent is what one drain achieved.
type Sent struct {
	Batches int
	Records int
	Refused int // batches that the hub will never take; they are set aside
}

// Run sends what waits of the servers and every batch that is ready, oldest
// first, until nothing is left or something is in the way. What was sent
// before an error stays sent.
func (d *Drain) Run(ctx context.Context, servers []string) (Sent, error) {
	var sent Sent
	for {
		err := d.sendReady(ctx, &sent)
		if err != nil {
			return sent, err
		}
		made := false
		for _, server := range servers {
			_, ok, err := d.Spool.Seal(server, spool.Limit{Records: batchRecords, Bytes: batchBytes}, d.build(server))
			if err != nil {
				return sent, fmt.Errorf("make a batch of %s: %w", server, err)
			}
			made = made || ok
		}
		if !made {
			return sent, nil
		}
	}
}

func (d *Drain) sendReady(ctx context.Context, sent *Sent) error {
	for {
		b, err := d.Spool.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take the next batch from the spool: %w", err)
		}
		if err := d.send(ctx, b, sent); err != nil {
			return err
		}
	}
}

// send brings one batch to an end, or returns why it stays the oldest.
func (d *Drain) send(ctx context.Context, b spool.Batch, sent *Sent) error {
	_, err := d.Client.Batch(ctx, b.Epoch, b.Seq, b.Body)
	switch {
	case err == nil:
		sent.Batches++
		sent.Records += b.Records
		if err := d.Spool.Sent(b.ID); err != nil && !errors.Is(err, spool.ErrUnknown) {
			return fmt.Errorf("note that batch %s was sent: %w", b.ID, err)
		}
		return nil
	case errors.Is(err, ErrFork):
		return d.fork(b)
	case errors.Is(err, ErrRefused):
		return d.refused(b, err, sent)
	}
	return err
}

// fork goes on in a new epoch: the records are sent again under an identity
// that nobody else has. The hub knows a sample by its pool and instant, so
// what it has already counts once.
func (d *Drain) fork(b spool.Batch) error {
	d.Log.Error("the hub has other content under a batch's number: this agent was copied or rolled back; it goes on in a new epoch", "batch", b.ID)
	if d.Spool.Epoch().Epoch == b.Epoch {
		if _, err := d.Spool.NewEpoch(); err != nil {
			return fmt.Errorf("begin a new epoch: %w", err)
		}
	}
	return d.Spool.Replace(b.ID, d.again(b, 1))
}

// refused halves a batch that the hub does not take, down to one record,
// which is set aside.
func (d *Drain) refused(b spool.Batch, why error, sent *Sent) error {
	records, err := split(b.Body)
	if err != nil || len(records) <= 1 {
		d.Log.Error("a batch was refused and set aside", "batch", b.ID, "err", why)
		sent.Refused++
		return d.Spool.Bad(b.ID, why.Error())
	}
	d.Log.Warn("a batch was refused; its halves are tried", "batch", b.ID, "err", why)
	return d.Spool.Replace(b.ID, d.again(b, 2))
}
