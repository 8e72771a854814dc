package report

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/citrix"
	"headroom/internal/format/generic"
	"headroom/internal/format/text"
)

// A Source is an opened input. Nothing is read before Make or Facts.
type Source struct {
	Path string // as the person named it
	Size int64
	Data io.ReaderAt
	// At is when the text was written, as far as that is known: for dates
	// without a year, and to tell which of two texts without a date is newer.
	At time.Time
}

// An input is a source on its way into the report.
type input struct {
	Source
	format format.Format
	file   File
	skip   int64 // bytes at the beginning that stand in another input too
	twin   bool  // all of it stands in another input

	document *generic.Document // once a document of our own JSON is read
	past     []citrix.Past     // once Citrix's is
}

// reader returns the input's own bytes.
func (in *input) reader() *io.SectionReader {
	return io.NewSectionReader(in.Data, in.skip, in.Size-in.skip)
}

// whole is all of the input, for comparing it with another.
func (in *input) whole() text.File { return text.File{Path: in.Path, Size: in.Size, Data: in.Data} }

// spans notes that the file tells of an instant.
func (in *input) spans(at Instant) {
	in.file.First, in.file.Last = earliest(in.file.First, at), latest(in.file.Last, at)
}

func (in *input) warn(format string, args ...any) {
	in.file.Warnings = append(in.file.Warnings, fmt.Sprintf(format, args...))
}

// open finds out what the sources are. Copies of one another are marked.
func open(sources []Source, o Options) ([]*input, error) {
	var inputs []*input
	bySize := map[int64][]*input{}
	for _, s := range sources {
		in := &input{Source: s, file: File{Path: s.Path, Warnings: []string{}}}
		if err := in.detect(o.As); err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
		bySize[s.Size] = append(bySize[s.Size], in)
	}
	for _, alike := range bySize {
		if err := markCopies(alike); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// markCopies marks those of some inputs that have the same bytes as an earlier one.
// One alone is not read for that.
func markCopies(inputs []*input) error {
	if len(inputs) < 2 {
		return nil
	}
	seen := map[[sha256.Size]byte]*input{}
	for _, in := range inputs {
		sum := sha256.New()
		if _, err := io.Copy(sum, in.reader()); err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		key := [sha256.Size]byte(sum.Sum(nil))
		if first := seen[key]; first != nil {
			in.twin = true
			in.warn("the same bytes as %s: counted once", first.Path)
		} else {
			seen[key] = in
		}
	}
	return nil
}

// detect sets the input's format.
func (in *input) detect(as string) error {
	if as != "" {
		f, ok := format.Parse(as)
		if !ok {
			return fmt.Errorf("%s is no format that can be read; one of %s is", as, names())
		}
		in.format = f
	} else {
		head := make([]byte, min(in.Size, format.HeadBytes))
		n, err := in.Data.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		in.format = format.Detect(head[:n])
	}
	in.file.Format = string(in.format)
	if in.format == format.Unknown {
		in.warn("the format was not recognised; --as names it: %s", names())
	}
	return nil
}

// UnknownFormat is the format of a file that was not recognised.
const UnknownFormat = string(format.Unknown)

// Formats returns the names of the formats that are read.
func Formats() []string {
	all := make([]string, len(format.All))
	for i, f := range format.All {
		all[i] = string(f)
	}
	return all
}

func names() string { return strings.Join(Formats(), ", ") }

// of returns the inputs of a format that count.
func of(inputs []*input, f format.Format) []*input {
	return slices.DeleteFunc(slices.Clone(inputs), func(in *input) bool { return in.format != f || in.twin })
}
