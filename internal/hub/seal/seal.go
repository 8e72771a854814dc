// Package seal keeps secrets that a hub has to read again, and so cannot keep as a
// hash: seeds of second factors, passwords of mail servers, secrets of webhooks and of
// sign-in providers. They stand in the database sealed with a key that lies outside of
// it: whoever gets the database, or a backup of it, has none of them.
//
// A hub process has one *Keys (hub.Hub opens it, Config.SecretsKey). A rule that has a
// secret to keep takes it as a field and gives its store what Seal returns, which is
// text; the store knows nothing of it. what says whose secret it is and of what kind,
// for example "webhook 3/17" (organisation, number): a text that was moved to another
// row does not open there.
//
// The package touches no file; ParseKeys reads what stands in one.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// header begins each line of a key file, so that nobody takes it for something else.
const header = "headroom-secrets-key-1 "

// version begins each sealed text: XChaCha20-Poly1305, whose nonces are so long that
// they can be random.
const version = "s1"

// maxKeys is how many keys a file may hold.
const maxKeys = 20

// Keys seal with the newest of them and open with each. They are safe for concurrent
// use.
type Keys struct {
	newest string // its id
	by     map[string]cipher.AEAD
}

// NewKeyLine makes a key and returns the line of a key file that holds it.
func NewKeyLine() string {
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key) // never fails
	return header + base64.StdEncoding.EncodeToString(key) + "\n"
}

// ParseKeys reads a key file: a key in each line, the newest first. Lines that are
// empty or begin with # are passed over. Errors name the line and nothing of it.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{by: map[string]cipher.AEAD{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, ours := strings.CutPrefix(line, header)
		key, err := base64.StdEncoding.DecodeString(raw)
		if !ours || err != nil || len(key) != chacha20poly1305.KeySize {
			return nil, fmt.Errorf("line %d is not a key: it should begin with %q", n, strings.TrimSpace(header))
		}
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		id := idOf(key)
		if k.newest == "" {
			k.newest = id
		}
		k.by[id] = aead
		if len(k.by) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if k.newest == "" {
		return nil, errors.New("there is no key in it")
	}
	return k, nil
}

// idOf names a key without telling anything of it.
func idOf(key []byte) string {
	sum := sha256.Sum256(append([]byte("headroom secrets key id\x00"), key...))
	return hex.EncodeToString(sum[:6])
}

// ID names the newest key; it is not secret.
func (k *Keys) ID() string { return k.newest }

// Has says whether what was sealed with the key of an id can be opened.
func (k *Keys) Has(id string) bool { return k.by[id] != nil }

// Seal returns a secret as text that can be kept; what says whose secret it is.
func (k *Keys) Seal(secret, what string) string {
	aead := k.by[k.newest]
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	box := aead.Seal(nonce, nonce, []byte(secret), []byte(what))
	return version + "." + k.newest + "." + base64.RawURLEncoding.EncodeToString(box)
}

// Open returns the secret of a text that Seal made for the same what.
func (k *Keys) Open(sealed, what string) (string, error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version {
		return "", fmt.Errorf("the secret of %s is not sealed text", what)
	}
	aead := k.by[parts[1]]
	if aead == nil {
		return "", fmt.Errorf("the secret of %s was sealed with key %.20q, which is not in the key file", what, parts[1])
	}
	box, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(box) < aead.NonceSize() {
		return "", fmt.Errorf("the sealed secret of %s is damaged", what)
	}
	secret, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], []byte(what))
	if err != nil {
		return "", fmt.Errorf("the sealed secret of %s is damaged, or of something else", what)
	}
	return string(secret), nil
}
