package wire

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/dunglas/httpsfv"
)

// digestAlg is the only digest that is signed.
const digestAlg = "sha-256"

// Digest returns the value of the header Content-Digest for a body (RFC 9530).
func Digest(body []byte) string {
	d := httpsfv.NewDictionary()
	h := sha256.Sum256(body)
	d.Add(digestAlg, httpsfv.NewItem(h[:]))
	text, err := httpsfv.Marshal(d)
	if err != nil {
		panic("content digest: " + err.Error()) // 32 bytes are a byte sequence
	}
	return text
}

// checkDigest compares the body with the request's Content-Digest, which must
// be sha-256 alone.
func checkDigest(req *http.Request, body []byte) error {
	value, err := single(req, "Content-Digest")
	if err != nil {
		return err
	}
	d, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil {
		return fmt.Errorf("signature: Content-Digest: %w", err)
	}
	m, _ := d.Get(digestAlg)
	item, ok := m.(httpsfv.Item)
	if !ok || len(d.Names()) != 1 {
		return errors.New("signature: Content-Digest is not sha-256 alone")
	}
	got, ok := item.Value.([]byte)
	want := sha256.Sum256(body)
	if !ok || !bytes.Equal(got, want[:]) {
		return errors.New("signature: Content-Digest does not fit the body")
	}
	return nil
}
