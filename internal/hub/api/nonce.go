package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// NonceLife is how long a nonce may stand for a fresh time.
const NonceLife = 10 * time.Minute

// A nonce is when it was given (8 bytes, Unix milliseconds), 8 random bytes,
// and the first 16 bytes of an HMAC of both and the key id that it is bound to.
const (
	nonceTime = 8
	nonceHead = nonceTime + 8
	nonceSize = nonceHead + 16
)

// newNonce makes a nonce for a key, or for any key where keyID is empty.
// Nothing is kept: every hub process can tell its own.
func (s *Server) newNonce(keyID string) string {
	b := make([]byte, nonceHead, nonceSize)
	binary.BigEndian.PutUint64(b, uint64(s.Now().UnixMilli()))
	rand.Read(b[nonceTime:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(b, s.nonceMAC(b, keyID)...))
}

// nonceGiven returns when a nonce was given to this key or to anyone; ok is
// false if it was not, or too long ago.
func (s *Server) nonceGiven(nonce, keyID string) (given time.Time, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceSize {
		return time.Time{}, false
	}
	head, mac := b[:nonceHead], b[nonceHead:]
	if !hmac.Equal(mac, s.nonceMAC(head, keyID)) && !hmac.Equal(mac, s.nonceMAC(head, "")) {
		return time.Time{}, false
	}
	given = time.UnixMilli(int64(binary.BigEndian.Uint64(head)))
	age := s.Now().Sub(given)
	return given, age >= 0 && age < NonceLife
}

func (s *Server) nonceMAC(head []byte, keyID string) []byte {
	h := hmac.New(sha256.New, s.NonceKey)
	h.Write([]byte("nonce\x00"))
	h.Write(head)
	h.Write([]byte(keyID))
	return h.Sum(nil)[:nonceSize-nonceHead]
}
