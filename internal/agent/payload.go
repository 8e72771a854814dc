package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/wire"
)

// A Payload is what has left the machine, and what leaves it at each poll.
type Payload struct {
	Batch *SentBatch `json:"batch,omitempty"` // the last one that a hub has taken and that is still kept; nil if there is none
	Poll  []byte     `json:"poll"`            // the body of a poll as it would be now
}

// A SentBatch is a batch as it was sent.
type SentBatch struct {
	ID     string    `json:"id"`
	Server string    `json:"server"` // name, or GUID if it is not configured any more
	Sent   time.Time `json:"sent"`
	Body   []byte    `json:"body"` // byte for byte, compressed
}

// WriteText writes the lines of the batch.
func (b *SentBatch) WriteText(w io.Writer) error { return wire.WriteLines(w, bytes.NewReader(b.Body)) }

// Payload returns what was sent last. It asks nobody.
func (a *Agent) Payload(context.Context) (Payload, error) {
	poll, err := json.Marshal(a.pollRequest())
	if err != nil {
		return Payload{}, err
	}
	b, sent, err := a.spool.LastSent()
	switch {
	case errors.Is(err, spool.ErrEmpty):
		return Payload{Poll: poll}, nil
	case err != nil:
		return Payload{}, err
	}
	out := &SentBatch{ID: b.ID.String(), Server: b.Server, Sent: sent, Body: b.Body}
	for _, s := range a.sources {
		if s.guid == b.Server {
			out.Server = s.config.Name
		}
	}
	return Payload{Batch: out, Poll: poll}, nil
}
