package collect_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/agent/collect"
)

// A rotation is a log that is written and rotated, and a tail that looks at it.
type rotation struct {
	t     *rapid.T
	dir   string
	dated bool // the name tells the date
	clock time.Time

	lines   int // made so far
	line    func(n int) []byte
	rest    []byte // of lines that are made, not written yet
	text    bytes.Buffer
	name    string // of the file that is written
	hole    int64  // where the next byte goes in it, if the writer does not append
	split   bool   // a line goes on behind a copy and nobody has looked since
	numbers int    // of files rotated so far

	looks, restarts func() // instead of a tail's

	tail *collect.Tail
	from int          // where in text the tail began
	read bytes.Buffer // what it has brought since
	told int          // how far tails have ever come in text
	ends []int        // where in text files end that may be gone
}

func (r *rotation) path(name string) string { return filepath.Join(r.dir, name) }

func newRotation(t *rapid.T, dir string) *rotation {
	r := &rotation{t: t, dir: dir, name: "debug.log", clock: time.Now().Add(-time.Hour)}
	r.must(os.Mkdir(dir, 0o700))
	if r.dated = rapid.Bool().Draw(t, "dated"); r.dated {
		r.name = "debug-2026-03-01.log"
	}
	return r
}

// must fails the test on an error.
func (r *rotation) must(err error) {
	if err != nil {
		r.t.Fatal(err)
	}
}

// stamp gives a file the model's time, which goes on.
func (r *rotation) stamp(name string) {
	r.clock = r.clock.Add(time.Second)
	r.must(os.Chtimes(r.path(name), r.clock, r.clock))
}

// write writes some bytes of some lines; it may end in the middle of one.
func (r *rotation) write(n int) {
	for len(r.rest) < n {
		r.lines++
		r.rest = append(r.rest, r.line(r.lines)...)
	}
	r.put(r.rest[:n])
	r.rest = r.rest[n:]
}

func (r *rotation) put(b []byte) {
	f, err := os.OpenFile(r.path(r.name), os.O_CREATE|os.O_WRONLY, 0o600)
	r.must(err)
	at, err := f.Seek(0, 2)
	r.must(err)
	if at == 0 {
		at = r.hole
	}
	_, err = f.WriteAt(b, at)
	r.must(err)
	r.must(f.Close())
	r.stamp(r.name)
	r.text.Write(b)
}

// finish writes the rest of a line that was begun.
func (r *rotation) finish() {
	if i := bytes.IndexByte(r.rest, '\n'); i >= 0 && r.text.Len() > 0 && !bytes.HasSuffix(r.text.Bytes(), []byte("\n")) {
		r.put(r.rest[:i+1])
		r.rest = r.rest[i+1:]
	}
}

// shift makes room for another rotated file and returns its name.
func (r *rotation) shift() string {
	r.numbers++
	for n := r.numbers; n > 0; n-- {
		for _, packed := range []string{"", ".gz"} {
			err := os.Rename(r.path(fmt.Sprintf("debug.log.%d%s", n, packed)), r.path(fmt.Sprintf("debug.log.%d%s", n+1, packed)))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				r.t.Fatal(err)
			}
		}
	}
	return "debug.log.1"
}

// rename rotates by a new name. A line that was begun is finished in the old
// file: its writer has it open.
func (r *rotation) rename() {
	if _, err := os.Stat(r.path(r.name)); err != nil {
		return
	}
	r.settle()
	if r.dated {
		r.finish()
		r.numbers++
		r.name = fmt.Sprintf("debug-2026-03-%02d.log", r.numbers+1)
	} else {
		old := r.shift()
		r.must(os.Rename(r.path(r.name), r.path(old)))
		r.name = old
		r.finish()
		r.name = "debug.log"
		if rapid.Bool().Draw(r.t, "created empty") {
			r.must(os.WriteFile(r.path(r.name), nil, 0o600))
			r.stamp(r.name)
		}
	}
	r.hole = 0
	r.ends = append(r.ends, r.text.Len())
}

// copy rotates by a copy, then empties the original.
func (r *rotation) copy() {
	r.settle()
	text, err := os.ReadFile(r.path(r.name))
	if err != nil || r.dated || !bytes.Contains(text, []byte("\n")) {
		return // no log begins with a copy of half a line
	}
	if mid := bytes.LastIndexByte(text, '\n') != len(text)-1; mid {
		r.look() // so that it is known which file it was
		r.split = true
	}
	old := r.shift()
	r.must(os.WriteFile(r.path(old), text, 0o600))
	r.stamp(old)
	if rapid.Bool().Draw(r.t, "look before it is emptied") {
		r.look()
	}
	r.must(os.Truncate(r.path(r.name), 0))
	r.stamp(r.name)
	r.hole = 0
	if rapid.Bool().Draw(r.t, "the writer does not append") {
		r.hole = int64(len(text))
	}
	r.ends = append(r.ends, r.text.Len())
}

// pack packs a rotated file and keeps its time.
func (r *rotation) pack() {
	name := r.path("debug.log.1")
	text, err := os.ReadFile(name)
	if err != nil {
		return
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	r.must(errors.Join(err, z.Close()))
	info, err := os.Stat(name)
	r.must(err)
	r.must(os.WriteFile(name+".gz", b.Bytes(), 0o600))
	r.must(os.Chtimes(name+".gz", info.ModTime(), info.ModTime()))
	r.must(os.Remove(name))
}

// settle lets a tail see how a line goes on that was divided by a copy: only the
// tail that saw its beginning knows that it does.
func (r *rotation) settle() {
	if r.split {
		r.write(1)
		r.finish()
		r.look()
	}
	r.split = false
}

// restart makes the tail anew from what the old one has left.
func (r *rotation) restart() {
	r.settle()
	if r.restarts != nil {
		r.restarts()
		return
	}
	r.open(r.tail.Resume())
}

// pattern is the path of the log.
func (r *rotation) pattern() string {
	if r.dated {
		return r.path("debug-*.log")
	}
	return r.path("debug.log")
}

func (r *rotation) open(resume string) {
	var err error
	r.tail, err = collect.NewTail(r.pattern(), resume)
	r.must(err)
	r.from = -1
	r.read.Reset()
}

// look has the log looked at.
func (r *rotation) look() {
	if r.looks != nil {
		r.looks()
		return
	}
	r.compare()
}

// compare reads all that is new and compares it with what was written: each tail
// brings a piece of it without a hole, from the beginning of a file that is
// still there to the end of the last whole line.
func (r *rotation) compare() {
	for {
		lines, err := r.tail.Next(r.t.Context())
		if err != nil && r.text.Len() == 0 {
			return // there is no file yet
		}
		if err != nil {
			r.t.Fatalf("Next: %v; files %v", err, r.listing())
		}
		if len(lines) == 0 {
			break
		}
		r.read.Write(lines)
	}
	text := r.text.Bytes()
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if r.from < 0 {
		r.from = len(whole) - r.read.Len()
		late := r.from > r.told && (r.told > 0 || r.dated) // what was rotated before the first look is not read
		if late || r.from < 0 || r.from > 0 && !slices.Contains(r.ends, r.from) {
			r.t.Fatalf("a tail has read %d bytes of %d, of which %d were told before\n%s", r.read.Len(), len(whole), r.told, r.listing())
		}
	}
	if got, want := r.read.String(), string(whole[r.from:]); got != want {
		r.t.Fatalf("read %q\nwant %q\n%s", got, want, r.listing())
	}
	r.told = len(whole)
}

func (r *rotation) listing() string {
	entries, err := os.ReadDir(r.dir)
	r.must(err)
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		r.must(err)
		fmt.Fprintf(&b, "%s %d %v\n", e.Name(), info.Size(), info.ModTime())
	}
	return b.String()
}

// remove removes the oldest file, once a later one has a line that was told.
func (r *rotation) remove() {
	r.look()
	type file struct {
		path string
		at   time.Time
	}
	var told []file
	names, err := filepath.Glob(r.path("debug*"))
	r.must(err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		r.must(err)
		info, err := os.Stat(name)
		r.must(err)
		if strings.HasSuffix(name, ".gz") || bytes.Contains(text, []byte("\n")) {
			told = append(told, file{name, info.ModTime()})
		}
	}
	slices.SortFunc(told, func(a, b file) int { return a.at.Compare(b.at) })
	if len(told) > 1 && told[len(told)-1].path == r.path(r.name) {
		r.must(os.Remove(told[0].path))
	}
}

func TestTailBringsEachLineOnceWhateverBecomesOfTheFiles(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		r := newRotation(rt, filepath.Join(base, fmt.Sprint(n)))
		r.line = func(n int) []byte { return fmt.Appendf(nil, "%d line with n\xfcmber %d\r\n", n, n) }
		r.open("")
		steps := r.steps()
		steps["remove"] = func(*rapid.T) { r.remove() }
		rt.Repeat(steps)
		r.look()
	})
}

// steps are what can happen to a log.
func (r *rotation) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"write":   func(t *rapid.T) { r.write(rapid.SampledFrom([]int{1, 7, 30, 200, 9000}).Draw(t, "bytes")) },
		"finish":  func(*rapid.T) { r.finish() },
		"look":    func(*rapid.T) { r.look() },
		"restart": func(*rapid.T) { r.restart() },
		"rename":  func(*rapid.T) { r.rename() },
		"copy":    func(*rapid.T) { r.copy() },
		"pack":    func(*rapid.T) { r.pack() },
	}
}

// A logFolder is a folder with files, and a tail of debug.log in it.
type logFolder struct {
	t    *testing.T
	dir  string
	tail *collect.Tail
}

func newLogFolder(t *testing.T, path string) *logFolder {
	t.Helper()
	f := &logFolder{t: t, dir: t.TempDir()}
	var err error
	if f.tail, err = collect.NewTail(filepath.Join(f.dir, path), ""); err != nil {
		t.Fatal(err)
	}
	return f
}

// put writes a file that was changed so many hours ago.
func (f *logFolder) put(name, text string, hours int) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	at := time.Now().Truncate(time.Hour).Add(-time.Duration(hours) * time.Hour)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
		f.t.Fatal(err)
	}
}

// sees checks what the tail brings next.
func (f *logFolder) sees(want string) {
	f.t.Helper()
	var got strings.Builder
	for {
		lines, err := f.tail.Next(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		if len(lines) == 0 {
			break
		}
		got.Write(lines)
	}
	if got.String() != want {
		f.t.Errorf("read %q, want %q", got.String(), want)
	}
}

func TestTailOfAPatternReadsAllThatIsThereInTheOrderOfTime(t *testing.T) {
	f := newLogFolder(t, "debug-*.log")
	f.put("debug-2026-03-02.log", "two\n", 5)
	f.put("debug-2026-03-01.log", "one\n", 5)
	f.put("debug-2026-02-28.log", "zero\n", 9)
	f.sees("zero\none\ntwo\n")
	f.put("debug-2026-01-01.log", "restored from a backup\n", 20)
	f.put("debug-2026-03-01.log", "one\n", 1) // touched
	f.put("debug-2026-03-03.log", "three\n", 0)
	f.sees("three\n")
}

func TestTailOfAPathLeavesItsNeighboursAlone(t *testing.T) {
	f := newLogFolder(t, "debug.log")
	f.put("debug.log.1", "older\n", 5)
	f.put("debug.log", "one\n", 2)
	f.sees("one\n")
	f.put("debug.log.outs", "a part of it\n", 0)
	f.put("debug.log.bak", "one\n", 0)
	f.put("debugger.log", "another\n", 0)
	f.put("debug.log", "one\ntwo\n", 0)
	f.sees("two\n")
}

func TestTailSaysThatALogDoesNotGoOn(t *testing.T) {
	f := newLogFolder(t, "debug.log")
	f.put("debug.log", "one\ntwo\n", 2)
	f.sees("one\ntwo\n")
	f.put("debug.log", "", 1)
	f.put("debug.log", "seven\neight\n", 0)
	if lines, err := f.tail.Next(t.Context()); !errors.Is(err, collect.ErrLost) {
		t.Fatalf("Next = %q, %v; want ErrLost: what was written before seven is gone", lines, err)
	}
	f.sees("seven\neight\n")
}

func TestTailGoesOnOnceAFileCanBeReadAgain(t *testing.T) {
	f := newLogFolder(t, "debug.log")
	if _, err := f.tail.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "debug.log") {
		t.Errorf("no file: error %v, want one that names it", err)
	}
	f.put("debug.log", "one\n", 2)
	f.sees("one\n")
	if err := os.Remove(filepath.Join(f.dir, "debug.log")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.tail.Next(t.Context()); err == nil || errors.Is(err, collect.ErrLost) {
		t.Errorf("the file is away: error %v, want one that says so", err)
	}
	f.put("debug.log", "one\ntwo\n", 0)
	f.sees("two\n")
}

// Two files of a log have the same banner, of more than a few lines.
func TestTailTellsFilesWithOneBannerApart(t *testing.T) {
	banner := strings.Repeat(" 2:00:00 (lmgrd) Please Note\n", 60)
	f := newLogFolder(t, "debug.log")
	f.put("debug.log", banner+"started on 3/3\n", 2)
	f.sees(banner + "started on 3/3\n")
	f.put("debug.log.1", banner+"started on 3/3\nlate\n", 1)
	f.put("debug.log", banner+"started on 3/4\n", 0)
	f.sees("late\n" + banner + "started on 3/4\n")
}

func TestTailRefusesWhatIsNoPosition(t *testing.T) {
	for _, c := range []struct{ path, resume string }{{"debug.log", "yesterday"}, {"debug[.log", ""}} {
		if _, err := collect.NewTail(c.path, c.resume); err == nil {
			t.Errorf("NewTail(%q, %q) has no error", c.path, c.resume)
		}
	}
}
