package collect

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// tailHead is by how many of its first bytes a file is known. Some logs
	// open with the same banner every time; the date comes behind it.
	tailHead = 4 << 10
	// tailEnd is how many of the bytes read last must still be there.
	tailEnd   = 256
	tailChunk = 256 << 10
)

// ErrLost says that a log does not go on where it was left: what was written
// behind that is gone. What comes next stands by itself.
var ErrLost = errors.New("the log does not go on where it was left")

// A Tail reads a log that somebody else writes, over the files into which it is
// rotated: by a new name, by a copy whose original is emptied, or by a date in
// the name. Files packed by gzip are read too. It looks again and again and
// holds no file open in between: so it does on network drives, which tell of
// no changes, and Windows can rename the files.
//
// Files are known by what is in them. A name may be another file's tomorrow,
// a copy is another file, and network drives have no file numbers that last.
//
// A new Tail goes through all files of the log that are still there, from the
// first byte on: parsers need what came before. What it was told by Resume keeps
// it from reading anything twice, and from taking for the log what is not.
type Tail struct {
	path    string
	pattern bool
	log     tailState
	at      int   // the part that is read
	off     int64 // how far
	fed     bool  // something was read since the beginning, or since ErrLost
	head    []byte
	end     []byte

	looked bool
	next   []*tailFile // what follows the last part, oldest first
	files  []*tailFile
	from   io.ReadCloser // the part's file, during a look
	rest   []byte        // read from it and not returned yet: no whole line
	first  os.FileInfo   // the file in which the last part was met first
	buf    []byte
}

// A tailState is what a Tail must know of its past.
type tailState struct {
	Begun   bool       `json:"begun"`
	Parts   []tailPart `json:"parts,omitempty"`   // of the log, oldest first; the last one may still grow
	Strange []tailPart `json:"strange,omitempty"` // files beside the log that are not to be read
}

// A tailPart is the content of one file of the log.
type tailPart struct {
	Skip   int64  `json:"skip,omitempty"` // NUL bytes at its start, not read: see tailFile
	Head   int    `json:"head"`           // how many bytes HeadIs is made of
	HeadIs string `json:"head_is"`
	End    int    `json:"end"` // how many bytes before Read EndIs is made of
	EndIs  string `json:"end_is,omitempty"`
	Read   int64  `json:"read"`             // bytes, those skipped included
	Joined bool   `json:"joined,omitempty"` // its last line goes on in the next part
}

// A tailFile is a file that may be a part of the log.
type tailFile struct {
	path   string
	info   os.FileInfo
	packed bool
	head   []byte
	sums   map[int]string // of so many bytes of head
	// skip is how many NUL bytes stand before the first other one: a writer that
	// does not append leaves such a hole when its file is emptied.
	skip int64
}

// NewTail returns a reader of the log at path. A path with *, ? or [ names all
// files of the log, past ones too. Of any other path, what was rotated before
// the first look is not read; later, files beside it are the log's if nothing
// but digits, marks, "old", "bak" or "gz" tells their name from it. resume is what
// Resume returned, or empty.
func NewTail(path, resume string) (*Tail, error) {
	t := &Tail{path: path, pattern: strings.ContainsAny(path, "*?["), buf: make([]byte, tailChunk)}
	if _, err := filepath.Match(path, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if resume == "" {
		return t, nil
	}
	if err := json.Unmarshal([]byte(resume), &t.log); err != nil {
		return nil, fmt.Errorf("resume reading %s: %w", path, err)
	}
	return t, nil
}

// Resume returns what NewTail wants to be given to go on from here.
func (t *Tail) Resume() string {
	text, err := json.Marshal(t.log)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	return string(text)
}

// Next returns the next bytes of the log, always whole lines; they are good
// until the call after it. It returns nothing when there is no more now; the call
// after that looks again. After an error it goes on where it was.
func (t *Tail) Next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lines, err := t.advance()
	if len(lines) == 0 || err != nil {
		t.looked = false
		err = errors.Join(err, t.close())
	}
	return lines, err
}

// advance reads on, from part to part.
func (t *Tail) advance() ([]byte, error) {
	if !t.looked {
		t.looked = true
		if err := t.look(); err != nil {
			return nil, err
		}
	}
	for {
		if t.at < len(t.log.Parts) {
			if lines, err := t.read(); len(lines) > 0 || err != nil {
				return lines, err
			}
		}
		if err := t.close(); err != nil {
			return nil, err
		}
		switch {
		case t.at+1 < len(t.log.Parts):
			t.at++
		case len(t.next) > 0:
			t.at = len(t.log.Parts)
			t.log.Parts = append(t.log.Parts, t.next[0].part())
			t.first, t.next = t.next[0].info, t.next[1:]
		default:
			return nil, nil
		}
		t.off, t.head, t.end = 0, nil, nil
	}
}

// look finds out what has become of the files.
func (t *Tail) look() error {
	var err error
	if t.files, err = t.list(); len(t.files) == 0 {
		return cmp.Or(err, fmt.Errorf("no file is called %s", t.path))
	}
	lost := -1 // the last part that is in no file
	for i := range t.log.Parts {
		if t.fileOf(i) == nil {
			lost = i
		}
	}
	if last := len(t.log.Parts) - 1; lost == last && last >= 0 && err != nil {
		return err // it may be in the file that cannot be read
	}
	broken := lost >= t.at && t.fed
	t.forget(lost + 1)
	t.next = t.unknown()
	t.log.Begun = true
	if broken {
		return ErrLost
	}
	return nil
}

// forget drops the first n parts. Those that are still there must not be taken
// for new ones.
func (t *Tail) forget(n int) {
	for i := range n {
		if t.fileOf(i) != nil {
			t.log.Strange = append(t.log.Strange, t.log.Parts[i])
		}
	}
	if n > t.at {
		t.at, t.off, t.head, t.end, t.first, t.fed = 0, 0, nil, nil, nil, false
	} else {
		t.at -= n
	}
	t.log.Parts = t.log.Parts[n:]
	t.log.Strange = slices.DeleteFunc(t.log.Strange, func(p tailPart) bool {
		return !slices.ContainsFunc(t.files, p.begins)
	})
}

// unknown returns the files that are to be read, oldest first, and notes those
// that are not.
func (t *Tail) unknown() []*tailFile {
	var newest os.FileInfo
	if n := len(t.log.Parts); n > 0 {
		newest = t.fileOf(n - 1).info
	}
	var out []*tailFile
	for _, f := range t.files {
		if !f.hasLine() || t.knows(f) {
			continue
		}
		own := f.path == t.path
		if !t.log.Begun && !t.pattern && !own || newest != nil && !own && f.info.ModTime().Before(newest.ModTime()) {
			t.log.Strange = append(t.log.Strange, f.part())
			continue
		}
		if i := slices.IndexFunc(out, f.copies); i >= 0 {
			if len(f.head) > len(out[i].head) || len(f.head) == tailHead && f.info.Size() > out[i].info.Size() && !f.packed {
				out[i] = f
			}
			continue
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, t.byAge)
	return out
}

// knows says whether a file is a part of the log that was met, or strange.
func (t *Tail) knows(f *tailFile) bool {
	for i := range t.log.Parts {
		if t.is(i, f) {
			return true
		}
	}
	return slices.ContainsFunc(t.log.Strange, func(p tailPart) bool { return p.begins(f) })
}

// fileOf returns the file that has a part, the longest one if there are copies;
// nil if there is none.
func (t *Tail) fileOf(i int) (found *tailFile) {
	for _, f := range t.files {
		if t.is(i, f) && (found == nil || found.packed || !f.packed && f.info.Size() > found.info.Size()) {
			found = f
		}
	}
	return found
}

// is says whether a file has a part, or its beginning. The part that may still
// grow must have in it what was read last.
func (t *Tail) is(i int, f *tailFile) bool {
	p := t.log.Parts[i]
	return p.begins(f) && (i < len(t.log.Parts)-1 || f.packed || f.info.Size() < p.Read || p.ends(f))
}

// begins says whether a file has the first bytes of a part.
func (p tailPart) begins(f *tailFile) bool {
	return f.skip == p.Skip && len(f.head) >= p.Head && f.sum(p.Head) == p.HeadIs
}

// ends says whether a file has the bytes of a part that were read last. One that
// cannot be read is given the benefit: reading on tells.
func (p tailPart) ends(f *tailFile) bool {
	r, err := f.open(p.Read - int64(p.End))
	if err != nil {
		return true
	}
	end := make([]byte, p.End)
	_, err = io.ReadFull(r, end)
	return errors.Join(err, r.Close()) != nil || p.End == 0 || sumOf(end) == p.EndIs
}

// part returns a part that is all in a file, and of which nothing was read.
func (f *tailFile) part() tailPart {
	return tailPart{Skip: f.skip, Head: len(f.head), HeadIs: f.sum(len(f.head))}
}

// sum returns what tells the first n bytes from others.
func (f *tailFile) sum(n int) string {
	if f.sums == nil {
		f.sums = make(map[int]string)
	}
	if f.sums[n] == "" {
		f.sums[n] = sumOf(f.head[:n])
	}
	return f.sums[n]
}

// hasLine says whether a file has a whole line, or one that is very long.
func (f *tailFile) hasLine() bool {
	return len(f.head) == tailHead || bytes.IndexByte(f.head, '\n') >= 0
}

// copies says whether two files begin alike.
func (f *tailFile) copies(g *tailFile) bool {
	n := min(len(f.head), len(g.head))
	return f.skip == g.skip && bytes.Equal(f.head[:n], g.head[:n])
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

// read returns the next lines of the part at hand; none if there are no more
// now. Of a part that is finished, a last line without its end is one too.
func (t *Tail) read() ([]byte, error) {
	p := &t.log.Parts[t.at]
	last := t.at == len(t.log.Parts)-1
	finished := !last || len(t.next) > 0
	if t.off == 0 {
		t.off = p.Skip
	}
	limit := int64(math.MaxInt64)
	if !last {
		limit = p.Read
	}
	b, err := t.fill(limit)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	switch {
	case whole > 0:
	case len(b) == tailChunk: // a line without end
		whole = len(b)
	case finished:
		return t.cut(p, b, last), nil
	}
	t.took(p, b[:whole])
	t.rest = b[whole:]
	return b[:whole], nil
}

// cut takes the last line of a finished part. It goes on in the next part if
// that is in the same file: then the file was copied and emptied.
func (t *Tail) cut(p *tailPart, b []byte, last bool) []byte {
	t.took(p, b)
	t.rest = nil
	if last {
		p.Joined = t.first != nil && os.SameFile(t.first, t.next[0].info)
	}
	if p.Joined {
		return b
	}
	return append(b, '\n')
}

// fill reads on behind t.off, at most to limit.
func (t *Tail) fill(limit int64) ([]byte, error) {
	if t.from == nil {
		f := t.fileOf(t.at)
		if f == nil {
			return nil, nil
		}
		if t.first == nil && t.at == len(t.log.Parts)-1 {
			t.first = f.info
		}
		var err error
		if t.from, err = f.open(t.off); err != nil {
			return nil, err
		}
	}
	have := copy(t.buf, t.rest)
	n, err := io.ReadFull(t.from, t.buf[have:max(int64(have), min(tailChunk, limit-t.off))])
	if err := ended(err); err != nil {
		return nil, err
	}
	n += have
	if f, ok := t.from.(*os.File); ok {
		if info, err := f.Stat(); err != nil || info.Size() < t.off+int64(n) {
			return nil, err // emptied while it was read; the next look finds out what it is now
		}
	}
	return t.buf[:n], nil
}

// took notes what was read.
func (t *Tail) took(p *tailPart, b []byte) {
	t.fed = true
	if more := min(len(b), tailHead-len(t.head)); more > 0 && t.off == p.Skip+int64(len(t.head)) {
		t.head = append(t.head, b[:more]...)
	}
	if len(t.head) > p.Head {
		p.Head, p.HeadIs = len(t.head), sumOf(t.head)
	}
	t.off += int64(len(b))
	t.end = append(t.end, b[max(0, len(b)-tailEnd):]...)
	t.end = t.end[max(0, len(t.end)-tailEnd):]
	if t.off >= p.Read {
		p.Read, p.End, p.EndIs = t.off, len(t.end), sumOf(t.end)
	}
}

func (t *Tail) close() error {
	if t.from == nil {
		return nil
	}
	err := t.from.Close()
	t.from, t.rest = nil, nil
	return err
}

// list returns the files that may be the log's. The error is that of one that
// could not be looked at; the others are there nevertheless.
func (t *Tail) list() (files []*tailFile, err error) {
	names, globErr := filepath.Glob(t.path)
	if !t.pattern {
		names, globErr = t.siblings()
	}
	err = globErr
	for _, name := range names {
		f, openErr := newTailFile(name)
		switch {
		case errors.Is(openErr, os.ErrNotExist) && name != t.path: // renamed just now
		case openErr != nil:
			err = openErr
		case f != nil:
			files = append(files, f)
		}
	}
	return files, err
}

// rotated is what may tell the name of a rotated file from that of its log.
var rotated = regexp.MustCompile(`^(?:[-_.~:T0-9]|old|bak|gz)*$`)

// siblings returns the path and the files beside it that are named after it.
func (t *Tail) siblings() ([]string, error) {
	dir, base := filepath.Split(t.path)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	names := []string{t.path}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	for _, e := range entries {
		name := e.Name()
		rest, behind := strings.CutPrefix(name, base)
		if !behind {
			inner, within := strings.CutPrefix(strings.TrimSuffix(name, ".gz"), stem)
			if rest, behind = strings.CutSuffix(inner, filepath.Ext(base)); !within || !behind {
				continue
			}
		}
		if name != base && rotated.MatchString(rest) {
			names = append(names, filepath.Join(dir, name))
		}
	}
	return names, nil
}

// newTailFile looks at a file; nil if it is none that can be read on.
func newTailFile(path string) (*tailFile, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &tailFile{path: path}
	if f.info, err = r.Stat(); err != nil || !f.info.Mode().IsRegular() {
		return nil, errors.Join(err, r.Close())
	}
	magic := make([]byte, 2)
	n, err := r.ReadAt(magic, 0)
	f.packed = n == 2 && magic[0] == 0x1f && magic[1] == 0x8b
	if err = errors.Join(ended(err), r.Close()); err != nil {
		return nil, err
	}
	return f, f.readHead()
}

// readHead reads the first bytes behind NULs.
func (f *tailFile) readHead() (err error) {
	r, err := f.open(0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	b := make([]byte, tailHead)
	for {
		n, err := io.ReadFull(r, b)
		some := bytes.TrimLeft(b[:n], "\x00")
		f.skip += int64(n - len(some))
		if len(some) > 0 || err != nil {
			f.head = slices.Clone(some)
			if missing := tailHead - len(some); err == nil && missing > 0 {
				n, err = io.ReadFull(r, b[:missing])
				f.head = append(f.head, b[:n]...)
			}
			return ended(err)
		}
	}
}

// ended makes the end of a file no error.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// open opens the file at an offset of what is in it.
func (f *tailFile) open(off int64) (io.ReadCloser, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	if !f.packed {
		if _, err := r.Seek(off, io.SeekStart); err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err == nil {
		_, err = io.CopyN(io.Discard, z, off)
		err = ended(err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.path, err), r.Close())
	}
	return packedFile{z, r}, nil
}

// A packedFile is a file that gzip has packed.
type packedFile struct {
	*gzip.Reader
	file *os.File
}

// Close closes the file.
func (p packedFile) Close() error { return p.file.Close() }

// byAge orders files by when they were written last, the log's own name at the
// end. Where that says nothing their numbers do: those of a date rise, other
// ones fall, from the oldest on.
func (t *Tail) byAge(a, b *tailFile) int {
	own := func(f *tailFile) int {
		if f.path == t.path {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(own(a), own(b)), a.info.ModTime().Compare(b.info.ModTime()), byNumber(a.path, b.path))
}

var noDigits = regexp.MustCompile(`[^0-9]+`)

func byNumber(a, b string) int {
	number := func(s string) int {
		n, err := strconv.Atoi(noDigits.ReplaceAllString(filepath.Base(s), ""))
		if err != nil {
			return 0
		}
		return n
	}
	if x, y := number(a), number(b); x < 1000 && y < 1000 && x != y {
		return cmp.Compare(y, x)
	}
	return strings.Compare(a, b)
}
