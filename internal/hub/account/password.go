package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"headroom/internal/fault"
)

// Argon2id as OWASP advises. More memory would make signing in a cheap way to
// exhaust a small hub.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
	hashesAtOnce = 2
)

// Lengths of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 128
)

// nobody is a hash that no password has.
var nobody = phc(make([]byte, argonSalt), make([]byte, argonKey))

// hash returns password as Argon2id in the PHC string format. It waits for one
// of the places for hashing, or for ctx.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	key, err := s.derive(ctx, password, salt, argonMemory, argonTime, argonThreads, argonKey)
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

func phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// verify reports whether password is the one that was hashed, with whatever
// costs it was hashed with.
func (s *Service) verify(ctx context.Context, hash, password string) (bool, error) {
	var version int
	var memory, time uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("stored password hash is not argon2id")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &threads); err != nil {
		return false, fmt.Errorf("stored password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("stored password hash: salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || version != argon2.Version {
		return false, fmt.Errorf("stored password hash: version %d, key: %w", version, err)
	}
	got, err := s.derive(ctx, password, salt, memory, time, threads, uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// derive runs Argon2id in one of the places for it. A password that is longer
// than any that can be set is cut: it is wrong, and must not cost more.
func (s *Service) derive(ctx context.Context, password string, salt []byte, memory, time uint32, threads uint8, size uint32) ([]byte, error) {
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if len(password) > 4*MaxPassword+1 {
		password = password[:4*MaxPassword+1]
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, time, memory, threads, size), nil
}

// checkPassword says why a password cannot be chosen. The names are those of
// its owner.
func checkPassword(password string, names ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return fault.Errorf(fault.Invalid, "the password is not valid text")
	case n < MinPassword || n > MaxPassword:
		return fault.Errorf(fault.Invalid, "the password has %d characters; it must have %d to %d", n, MinPassword, MaxPassword)
	case common(password, names):
		return fault.Errorf(fault.Invalid, "this password is easy to guess; join four or five unrelated words")
	}
	return nil
}
