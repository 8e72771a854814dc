package hub_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/hub"
)

func startHub(t *testing.T, c hub.Config) error {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	h, err := hub.New(context.WithoutCancel(t.Context()), c, slog.New(slog.DiscardHandler))
	if err == nil {
		err = h.Close()
	}
	return err
}

func TestSecretsKeyIsMadeOnceAndBelongsToItsStore(t *testing.T) {
	c := hub.Config{Store: filepath.Join(t.TempDir(), "hub.db")}
	file := c.Store + ".secrets"
	if err := startHub(t, c); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := startHub(t, c); err != nil {
		t.Errorf("second start: %v", err)
	}

	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	if err := startHub(t, c); err == nil || !strings.Contains(err.Error(), "forget-secrets-key") {
		t.Errorf("without its key the hub starts, or does not say what to do: %v", err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a key was left that nothing is sealed with: %v", err)
	}
	if _, err := hub.ForgetSecretsKey(t.Context(), c.Store); err != nil {
		t.Fatal(err)
	}
	if err := startHub(t, c); err != nil {
		t.Errorf("with the old key forgotten: %v", err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) == string(key) {
		t.Errorf("the key that was lost is there again: %v", err)
	}

	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := startHub(t, c); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a key that others may read: %v, want a refusal", err)
	}
}
