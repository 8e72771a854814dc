package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"headroom/internal/format"
)

// MaxRedact is the largest text that is redacted: it is read more than once.
const MaxRedact = 32 << 20

// maxReadings is how often a text is read again, at most: once for every doubt
// about what is a name.
const maxReadings = 300

// A Redactor replaces names of users, hosts and license servers by made-up ones
// of the same shape. The same name has the same replacement in all texts of one
// Redactor.
type Redactor struct {
	aliases aliases
	effort  int64
}

// NewRedactor returns a Redactor that has seen no name yet. Effort is how many
// bytes it reads again, at most, to tell names from other words.
func NewRedactor(effort int64) *Redactor { return &Redactor{aliases: newAliases(), effort: effort} }

// ErrNames says that the names in a text cannot be told from the words around
// them. Nothing is redacted then.
var ErrNames = errors.New("some names cannot be told from the text around them, so nothing was redacted")

// Redact returns the text of a source with all names in it replaced, whatever
// their case, and everything else as it is, byte for byte.
//
// It proves its result: the new text is read too, and says the same as the old
// one but for the names. Where a name is also a word of the format, it is
// replaced where it is a name only; where that cannot be found out, the error is
// ErrNames. What is replaced are the names in facts, and in lines that say
// nothing by themselves those that stand where names are known to stand. License
// keys and host ids stay.
func (r *Redactor) Redact(s Source, o Options) ([]byte, error) {
	if s.Size > MaxRedact {
		return nil, fmt.Errorf("%s: %d MiB are too much to be redacted; at most %d MiB are", s.Path, s.Size>>20, MaxRedact>>20)
	}
	text := make([]byte, s.Size)
	if _, err := io.ReadFull(io.NewSectionReader(s.Data, 0, s.Size), text); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	old, err := understand(s, text, o)
	if err != nil {
		return nil, err
	}
	if old.file.Format == string(format.Unknown) {
		return nil, fmt.Errorf("%s: the format was not recognised, so nobody knows where names stand", s.Path)
	}
	doc, err := split(text, o.CodePage)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	names := namesIn(old, doc)
	r.aliases.news = nil
	p := &proof{source: s, options: o, old: old, doc: doc, left: min(maxReadings, max(2, int(r.effort/max(s.Size, 1))))}
	for range draws {
		p.finder = r.aliases.finder(names, doc)
		p.found = doc.find(p.finder)
		if err = p.search(); err == nil {
			return p.text, nil
		}
		r.aliases.forget()
	}
	return nil, fmt.Errorf("%s: %w", s.Path, err)
}

// draws is how often names are made up: the first ones may by chance be read as
// something else.
const draws = 2

// An understanding is all that is said by a text.
type understanding struct {
	file  File
	facts []Fact
}

func understand(s Source, text []byte, o Options) (understanding, error) {
	s.Data, s.Size = bytes.NewReader(text), int64(len(text))
	var u understanding
	var err error
	u.file, err = Read(s, o, func(f Fact) error {
		u.facts = append(u.facts, f)
		return nil
	})
	return u, err
}

// A proof looks for the most that can be replaced without changing what a text
// says.
type proof struct {
	source  Source
	options Options
	old     understanding
	doc     *document
	finder  *finder
	found   []hit
	left    int // readings

	text []byte // made last, and what it says
	now  []Fact
}

// search makes the text without names. The error is ErrNames if there is none.
func (p *proof) search() error {
	parts, dropped, err := p.most(p.byName())
	if err == nil && p.leaks() != "" && len(dropped) > 0 {
		// A name stays, because its place looks like one where it is no name. Each
		// place is tried by itself.
		_, _, err = p.most(append(parts, singles(dropped)...))
	}
	if err == nil && p.leaks() != "" {
		err = fmt.Errorf("%w: %s", ErrNames, p.leaks())
	}
	return err
}

// most replaces as many parts as can be without changing what is said, and
// returns them and the others. Parts that cannot are first divided by the looks
// of their places.
func (p *proof) most(parts []part) (kept, dropped []part, err error) {
	for {
		ok, err := p.holds(parts)
		switch {
		case err != nil:
			return nil, nil, err
		case ok:
			return parts, dropped, nil
		case len(parts) == 0:
			return nil, nil, errors.New("the text is not read as the same when it is read again")
		}
		// The first so many hold and one more does not: that one is at fault.
		good, bad := 0, len(parts)
		for bad-good > 1 {
			middle := (good + bad) / 2
			ok, err := p.holds(parts[:middle])
			if err != nil {
				return nil, nil, err
			}
			if ok {
				good = middle
			} else {
				bad = middle
			}
		}
		finer := p.byLooks(parts[bad-1])
		if len(finer) < 2 {
			dropped, finer = append(dropped, parts[bad-1]), nil
		}
		parts = slices.Replace(parts, bad-1, bad, finer...)
	}
}

// errOther says that a text does not say the same.
var errOther = errors.New("the text says something else")

// holds reports whether the text says the same once the parts are replaced.
func (p *proof) holds(parts []part) (bool, error) {
	if p.left--; p.left < 0 {
		return false, fmt.Errorf("%w: too many doubts", ErrNames)
	}
	var err error
	if p.text, err = p.doc.replace(p.found, parts); err != nil {
		return false, err
	}
	s := p.source
	s.Data, s.Size = bytes.NewReader(p.text), int64(len(p.text))
	p.now = p.now[:0]
	file, err := Read(s, p.options, func(f Fact) error {
		if len(p.now) == len(p.old.facts) || !p.sameFact(p.old.facts[len(p.now)], f) {
			return errOther
		}
		p.now = append(p.now, f)
		return nil
	})
	if errors.Is(err, errOther) {
		return false, nil
	}
	return err == nil && len(p.now) == len(p.old.facts) && sameFile(p.old.file, file), err
}

// sameFile reports whether two texts were read as well.
func sameFile(a, b File) bool {
	return a.Format == b.Format && a.Lines == b.Lines && a.Unread == b.Unread && a.First == b.First && a.Last == b.Last &&
		len(a.Warnings) == len(b.Warnings)
}

// sameFact reports whether two facts are the same, names apart.
func (p *proof) sameFact(a, b Fact) bool {
	for _, pair := range [][2]string{{a.User, b.User}, {a.Host, b.Host}, {a.Display, b.Display}, {a.Said, b.Said}} {
		if !p.finder.may(pair[0], pair[1]) {
			return false
		}
	}
	a.User, a.Host, a.Display, a.Said = b.User, b.Host, b.Display, b.Said
	return a == b
}

// leaks names a user or host whose name stands in the new text still; empty if
// there is none.
func (p *proof) leaks() string {
	for i, f := range p.old.facts {
		now := p.now[i]
		for _, pair := range [][2]string{{f.User, now.User}, {f.Host, now.Host}} {
			if p.finder.replace(pair[0]) != pair[1] {
				return pair[0]
			}
		}
	}
	return ""
}

// A part is some of the places of a name, as indexes of what was found.
type part []int

// byName puts together the places of each name, those that must be replaced
// first.
func (p *proof) byName() []part {
	at := map[*name]int{}
	var parts []part
	for i, h := range p.found {
		k, ok := at[h.name]
		if !ok {
			k = len(parts)
			at[h.name] = k
			parts = append(parts, nil)
		}
		parts[k] = append(parts[k], i)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return count(p.found[b[0]].name.must) - count(p.found[a[0]].name.must) })
	return parts
}

// byLooks divides places by what stands around them: letters and digits are as
// good as others.
func (p *proof) byLooks(all part) []part {
	at := map[string]int{}
	var parts []part
	for _, i := range all {
		looks := p.doc.looks(p.found[i])
		k, ok := at[looks]
		if !ok {
			k = len(parts)
			at[looks] = k
			parts = append(parts, nil)
		}
		parts[k] = append(parts[k], i)
	}
	return parts
}

// singles divides parts into their places.
func singles(parts []part) []part {
	var out []part
	for _, p := range parts {
		for _, i := range p {
			out = append(out, part{i})
		}
	}
	return out
}

// trimmed is a text that was cut short, without its last word, in which the cut
// may have fallen.
func trimmed(s string) string {
	const cut, longest = "…", 200
	if !strings.HasSuffix(s, cut) {
		return s
	}
	r := []rune(strings.TrimSuffix(s, cut))
	return string(r[:max(0, len(r)-longest)])
}
