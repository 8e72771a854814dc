package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Who may read the agent's state folder may open its console: the key in this
// file makes the links that let in. It is made anew at each start.
const (
	entryFile = "console.json"
	entryPage = "/enter"
	entryTime = 2 * time.Minute // for which a link is good
)

type entryKey struct {
	Address string `json:"address"`
	Key     []byte `json:"key"`
}

func entryPath(state string) string { return filepath.Join(state, entryFile) }

// writeEntry makes a key, and says where the console is.
func writeEntry(state, address string) ([]byte, error) {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	text, err := json.Marshal(entryKey{address, key})
	if err != nil {
		return nil, err
	}
	path := entryPath(state)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err // it would keep its mode
	}
	return key, os.WriteFile(path, text, 0o600)
}

// Link returns an address that opens the console of the running agent once.
func Link(state string, now time.Time) (string, error) {
	text, err := os.ReadFile(entryPath(state))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%w: use the account that the agent runs under, or an administrator's", err)
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("no agent runs with this state folder, or its console is switched off or found its port taken; its log says which")
	case err != nil:
		return "", err
	}
	var k entryKey
	if err := json.Unmarshal(text, &k); err != nil {
		return "", fmt.Errorf("%s is damaged, restart the agent: %w", entryPath(state), err)
	}
	return "http://" + k.Address + entryPage + "?token=" + newToken(k.Key, now.Add(entryTime)), nil
}

// newToken returns a token that is good until then: the second, something that
// nobody has had, and a seal over both.
func newToken(key []byte, until time.Time) string {
	text := strconv.FormatInt(until.Unix(), 10) + "." + rand.Text()
	return text + "." + seal(key, text)
}

func seal(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// An entry lets in who has a token, once.
type entry struct {
	key     []byte
	address string

	mu   sync.Mutex
	used map[string]time.Time // tokens that let somebody in, until they are good for nothing
}

// take reports whether a token is good, and uses it up.
func (e *entry) take(token string, now time.Time) bool {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !hmac.Equal([]byte(seal(e.key, token[:i])), []byte(token[i+1:])) {
		return false
	}
	second, _, _ := strings.Cut(token, ".")
	n, err := strconv.ParseInt(second, 10, 64)
	until := time.Unix(n, 0)
	if err != nil || !now.Before(until) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for t, over := range e.used {
		if !now.Before(over) {
			delete(e.used, t)
		}
	}
	if _, ok := e.used[token]; ok {
		return false
	}
	e.used[token] = until
	return true
}
