// Package spooltest gives tests a disk under a spool that forgets and fails.
package spooltest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"headroom/internal/agent/spool"
)

// ErrPower is what every operation returns once the power is gone.
var ErrPower = errors.New("the power is gone")

// A Disk is a directory in memory that forgets what was not synced. It counts
// the operations and can fail at any of them.
type Disk struct {
	Ops   int                             // operations so far
	Fault func(op int, what string) error // called before each operation; nil: none fails
	Dead  bool                            // the power is gone
	Size  int64                           // bytes that fit; 0 is no limit

	mu      sync.Mutex
	names   map[string]*inode // as the running system sees them
	stable  map[string]*inode // as they would be after a power cut
	pending []nameOp          // since the last Sync
}

type inode struct {
	data   []byte
	stable []byte // content at the last sync of the file
	dirty  bool
}

// A nameOp is a creation (from empty), a rename, or a removal (to empty).
type nameOp struct {
	from, to string
	node     *inode
}

// New returns an empty disk.
func New() *Disk {
	return &Disk{names: map[string]*inode{}, stable: map[string]*inode{}}
}

// step counts an operation and says whether it fails. The fault ErrPower
// stops everything from there on.
func (d *Disk) step(what string) error {
	if d.Dead {
		return ErrPower
	}
	d.Ops++
	if d.Fault == nil {
		return nil
	}
	err := d.Fault(d.Ops, what)
	if errors.Is(err, ErrPower) {
		d.Dead = true
	}
	return err
}

func (d *Disk) apply(names map[string]*inode, op nameOp) {
	if op.from != "" {
		delete(names, op.from)
	}
	if op.to != "" {
		names[op.to] = op.node
	}
}

func (d *Disk) change(op nameOp) {
	d.apply(d.names, op)
	d.pending = append(d.pending, op)
}

// PowerCut returns the disk as it may be found after a power cut: what was
// synced, of the changed names since then those for which keep says so, and
// of unsynced bytes any beginning.
func (d *Disk) PowerCut(keep func() bool, rnd *rand.Rand) *Disk {
	after := New()
	names := maps.Clone(d.stable)
	for _, op := range d.pending {
		if keep() {
			d.apply(names, op)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		node := names[name]
		data := slices.Clone(node.stable)
		if node.dirty && rnd.IntN(2) == 0 {
			data = slices.Clone(node.data[:rnd.IntN(len(node.data)+1)])
		}
		n := &inode{data: data, stable: data}
		after.names[name], after.stable[name] = n, n
	}
	after.Size = d.Size
	return after
}

// List implements spool.Files.
func (d *Disk) List() ([]spool.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("list"); err != nil {
		return nil, err
	}
	var files []spool.FileInfo
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		files = append(files, spool.FileInfo{Name: name, Size: int64(len(d.names[name].data))})
	}
	return files, nil
}

// Create implements spool.Files.
func (d *Disk) Create(name string) (spool.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("create " + name); err != nil {
		return nil, err
	}
	node := d.names[name]
	if node == nil {
		node = &inode{}
		d.change(nameOp{to: name, node: node})
	}
	node.data, node.dirty = nil, true
	return &openFile{disk: d, node: node, name: name}, nil
}

// Read implements spool.Files.
func (d *Disk) Read(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("read " + name); err != nil {
		return nil, err
	}
	node := d.names[name]
	if node == nil {
		return nil, fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
	}
	return slices.Clone(node.data), nil
}

// Rename implements spool.Files.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename " + from + " " + to); err != nil {
		return err
	}
	if d.names[from] == nil {
		return fmt.Errorf("rename %s: %w", from, fs.ErrNotExist)
	}
	if d.names[to] != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, fs.ErrExist)
	}
	d.change(nameOp{from: from, to: to, node: d.names[from]})
	return nil
}

// Remove implements spool.Files.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("remove " + name); err != nil {
		return err
	}
	if d.names[name] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	d.change(nameOp{from: name})
	return nil
}

// Sync implements spool.Files.
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("sync directory"); err != nil {
		return err
	}
	d.stable, d.pending = maps.Clone(d.names), nil
	return nil
}

// Used returns how many bytes the files take.
func (d *Disk) Used() int64 {
	var n int64
	for _, node := range d.names {
		n += int64(len(node.data))
	}
	return n
}

// Names returns the names of all files, in order.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names))
}

// Content returns what is in a file, which must be there.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.names[name].data)
}

// Put puts a file there, content and name durable, whatever was there before.
func (d *Disk) Put(name string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := &inode{data: content, stable: content}
	d.names[name], d.stable[name] = node, node
}

// Copy returns another disk with all that is on this one, as a copy of a folder or
// of a virtual machine has it.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := New()
	for name, node := range d.names {
		n := &inode{data: slices.Clone(node.data), stable: slices.Clone(node.data)}
		after.names[name], after.stable[name] = n, n
	}
	after.Size = d.Size
	return after
}

type openFile struct {
	disk *Disk
	node *inode
	name string
}

func (f *openFile) Write(p []byte) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("write " + f.name); err != nil {
		f.node.data = append(f.node.data, p[:len(p)/2]...)
		return len(p) / 2, err
	}
	if room := d.Size - d.Used(); d.Size > 0 && room < int64(len(p)) {
		f.node.data = append(f.node.data, p[:room]...)
		return int(room), ErrNoSpace
	}
	f.node.data = append(f.node.data, p...)
	return len(p), nil
}

func (f *openFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step("sync " + f.name); err != nil {
		return err
	}
	f.node.stable, f.node.dirty = slices.Clone(f.node.data), false
	return nil
}

func (f *openFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.step("close " + f.name)
}
