package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// The files of the state folder, beside the spool's.
const (
	keyFile     = "key.pem"
	stateFile   = "agent.json"
	controlFile = "control.json"
	spoolFolder = "spool"
)

// state is what must survive a restart and is no usage.
type state struct {
	GUID         string                 `json:"guid"`
	HubID        string                 `json:"hub_id,omitempty"`
	Sharing      bool                   `json:"sharing"`
	Registration *registration          `json:"registration,omitempty"`
	Servers      map[string]serverState `json:"servers"` // by the name in the configuration
	Registered   time.Time              `json:"registered,omitzero"`
	LastUpload   time.Time              `json:"last_upload,omitzero"`
}

// A registration is how joining an organisation stands.
type registration struct {
	ID           string    `json:"id"`
	Code         string    `json:"code"`
	Visit        string    `json:"visit"`
	Expires      time.Time `json:"expires"`
	State        string    `json:"state"` // one of the wire's, or removed
	Organisation string    `json:"organisation,omitempty"`
	OrgID        string    `json:"organisation_id,omitempty"`
	ApprovedBy   string    `json:"approved_by,omitempty"`
	Expect       string    `json:"expect,omitempty"`   // confirm by ourselves if the organisation is this one
	Accepted     string    `json:"accepted,omitempty"` // the organisation that our side said yes to, whether the hub has heard it or not
}

// removed is the state of a registration that one side has ended.
const removed = "removed"

// serverState is what is known of a license server beside its readings.
type serverState struct {
	GUID   string         `json:"guid"`
	Resume string         `json:"resume,omitempty"` // where its reader goes on
	Facts  license.Server `json:"facts"`            // what its source said last about it
	Names  wire.NamesInfo `json:"names,omitzero"`   // how names left the site last
}

func loadState(dir string) (state, error) {
	s := state{Servers: map[string]serverState{}}
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s is damaged: %w; restore it from a backup, or remove the state folder and register again", filepath.Join(dir, stateFile), err)
	}
	if s.Servers == nil {
		s.Servers = map[string]serverState{}
	}
	return s, nil
}

func (s state) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(dir, stateFile, text)
}

// writeFile replaces a file of the state folder: after a power cut it is the new one,
// or the old one if writeFile has not returned. Only the owner may read it.
func writeFile(dir, name string, text []byte) error {
	if err := replaceFile(dir, name, text); err != nil {
		return err
	}
	return syncFolder(dir)
}

func replaceFile(dir, name string, text []byte) (err error) {
	f, err := os.CreateTemp(dir, name+".new*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}

// makeFolder makes a folder for its owner only, and its name durable. Who may not read
// the folder around it has not made it.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(dir)); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// syncFolder makes the names in a folder survive a power cut. Windows does so by
// itself, and has no such call.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// loadKey reads the agent's key and makes one at the first start, and only
// then: a hub knows this agent by its key. A key that others may read is
// refused: they could speak in this agent's name.
func loadKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, keyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, stateFile)); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is gone: restore it from a backup, or remove the state folder and register again", path)
		}
		return makeKey(dir)
	}
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it, and register again if somebody may have copied it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind", path)
	}
	return private, nil
}

func makeKey(dir string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return private, writeFile(dir, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
