package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"headroom/internal/hub/seal"
	"headroom/internal/hub/store"
)

const (
	secretsSuffix = ".secrets"    // what the key file is called beside a SQLite file
	secretsMeta   = "secrets_key" // which key the store's secrets are sealed with, by its id
)

// secretsFile says where the key is that seals secrets in a store. PostgreSQL may be
// reached by several processes, on several machines: there the operator says where the
// file is, and that it is the same everywhere.
func secretsFile(dsn, path string) (string, error) {
	if path != "" {
		return path, nil
	}
	if store.IsURL(dsn) {
		return "", errors.New("with PostgreSQL a hub needs --secrets-key FILE: the key that seals secrets (second factors, " +
			"passwords of mail servers) lies outside of the database. The file is made if it is not there; " +
			"keep a copy apart from the database's backups, and give the same one to every process of this hub")
	}
	return dsn + secretsSuffix, nil
}

// openSecrets reads the key file, which is made at the first start.
func openSecrets(ctx context.Context, db *store.DB, path string) (*seal.Keys, error) {
	made, err := makeKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("make the secrets key: %w", err)
	}
	keys, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	used, err := db.Meta(ctx, secretsMeta, keys.ID())
	if err != nil {
		return nil, err
	}
	if keys.Has(used) {
		return keys, nil
	}
	err = fmt.Errorf("the secrets in the store are sealed with key %s, which is not in %s: bring the right file back, "+
		"or, if it is lost for good, run: headroom hub forget-secrets-key", used, path)
	if made {
		err = errors.Join(err, os.Remove(path))
	}
	return nil, err
}

// readKeyFile reads a key file that is its owner's alone.
func readKeyFile(path string) (*seal.Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the secrets key: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("the secrets key %s can be read by others (mode %04o): chmod 600 it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secrets key: %w", err)
	}
	keys, err := seal.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the secrets key %s: %w", path, err)
	}
	return keys, nil
}

// makeKeyFile makes a key file where there is none. It gets its name once it is whole
// and on the disk, and from one of several processes that start at once.
func makeKeyFile(path string) (made bool, err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // its owner's alone
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(seal.NewKeyLine())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	made = err == nil
	if errors.Is(err, fs.ErrExist) {
		err = nil // another process was faster
	}
	err = errors.Join(err, os.Remove(f.Name()))
	if err == nil && made && runtime.GOOS != "windows" {
		err = syncFolder(filepath.Dir(path))
	}
	return made, err
}

// syncFolder makes a new file's name survive a power cut.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ForgetSecretsKey lets a hub start whose key file is lost, with another one, and tells
// the id of the key that was lost. What was sealed with it is worthless: passwords have
// to be set again, and members with a second factor sign in with a recovery code.
func ForgetSecretsKey(ctx context.Context, dsn string) (id string, err error) {
	if !store.IsURL(dsn) {
		if _, err := os.Stat(dsn); err != nil {
			return "", fmt.Errorf("forget the secrets key: %w", err)
		}
	}
	db, err := store.Open(ctx, dsn, store.Options{Conns: 2})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.TakeMeta(ctx, secretsMeta)
}
