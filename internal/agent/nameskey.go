package agent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// A namesKey makes pseudonyms. An organisation has one, which its administrator
// carries to its agents; no hub ever has it.
type namesKey []byte

const (
	namesKeyBytes = 32
	namesKeyType  = "HEADROOM NAMES KEY" // of the PEM block
)

// id tells keys apart and says nothing about the key.
func (k namesKey) id() string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte("headroom names key id"))
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// NewNamesKey makes a key for pseudonyms in a new file, which only its owner
// may read, and returns the key's id. It never replaces a file: names under a
// key that is lost cannot be told to be the same ever again.
func NewNamesKey(path string) (id string, err error) {
	key := make(namesKey, namesKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s is there already, and a key is never replaced: choose another name, or remove the file if no agent uses it", path)
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: namesKeyType, Bytes: key}))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return key.id(), syncFolder(filepath.Dir(path))
}

// loadNamesKey reads a key for pseudonyms. One that others may read is refused:
// who has it can try names until a pseudonym fits.
func loadNamesKey(path string) (namesKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("names_key: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("names_key: %s can be read by others (mode %04o): chmod 600 it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("names_key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != namesKeyType || len(block.Bytes) != namesKeyBytes {
		return nil, fmt.Errorf("names_key: %s holds no key for pseudonyms; headroom agent names-key new makes one, and the others get a copy of it", path)
	}
	return block.Bytes, nil
}
