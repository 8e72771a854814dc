package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"
)

// A Signed is a checkpoint of an organisation's log as the hub gives it to
// witnesses, which keep it.
type Signed struct {
	Organisation string // its public id
	Checkpoint
	At        time.Time // in whole seconds
	Signature []byte    // Ed25519, of text
}

// text is what is signed.
func (s *Signed) text() []byte {
	return fmt.Appendf(nil, "headroom witness 1\n%s\n%d\n%s\n%d\n", s.Organisation, s.Seq, s.Head, s.At.Unix())
}

// A Notary signs checkpoints.
type Notary struct {
	Store HeadStore
	Key   ed25519.PrivateKey
	Now   func() time.Time
}

// A HeadStore knows where logs end.
type HeadStore interface {
	// AuditHead returns the public id of an organisation and the end of its log;
	// a zero Checkpoint where there is no entry yet.
	AuditHead(ctx context.Context, org int64) (publicID string, head Checkpoint, err error)
}

// Witness returns the end of an organisation's log, signed.
func (n *Notary) Witness(ctx context.Context, org int64) (s Signed, err error) {
	if s.Organisation, s.Checkpoint, err = n.Store.AuditHead(ctx, org); err != nil {
		return Signed{}, err
	}
	s.At = n.Now().UTC().Truncate(time.Second)
	s.Signature = ed25519.Sign(n.Key, s.text())
	return s, nil
}

// SignedBy says whether the checkpoint was signed with the private half of a key.
func (s *Signed) SignedBy(key ed25519.PublicKey) bool {
	return ed25519.Verify(key, s.text(), s.Signature)
}
