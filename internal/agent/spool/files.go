package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Files is where a spool keeps its files: one flat directory. A name survives
// a power cut once Sync has returned after the operation that made it; bytes
// survive once the file's own Sync has returned.
type Files interface {
	// List returns every file of the directory.
	List() ([]FileInfo, error)
	// Create makes an empty file, or empties the one that is there.
	Create(name string) (File, error)
	// Read returns a whole file.
	Read(name string) ([]byte, error)
	// Rename gives a file a name that no other file has.
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes all creations, renames and removals so far durable.
	Sync() error
}

// A File is a file being written.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// A FileInfo is one line of a directory.
type FileInfo struct {
	Name string
	Size int64
}

// osFiles is a directory of the operating system.
type osFiles struct{ dir string }

// openDir returns the directory, which it makes for the owner only. What is in it
// survives a power cut only if its own name does; who may not read the directory
// around it has not made it.
func openDir(dir string) (osFiles, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return osFiles{}, err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return osFiles{}, err
	}
	return osFiles{dir: dir}, nil
}

func (d osFiles) path(name string) string { return filepath.Join(d.dir, name) }

func (d osFiles) List() ([]FileInfo, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	files := make([]FileInfo, 0, len(entries))
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		files = append(files, FileInfo{Name: e.Name(), Size: info.Size()})
	}
	return files, nil
}

func (d osFiles) Create(name string) (File, error) {
	return os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

func (d osFiles) Read(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }
func (d osFiles) Rename(from, to string) error     { return os.Rename(d.path(from), d.path(to)) }
func (d osFiles) Remove(name string) error         { return os.Remove(d.path(name)) }
func (d osFiles) Sync() error                      { return syncDir(d.dir) }
