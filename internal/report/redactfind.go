package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// A name is what is replaced, and by what.
type name struct {
	folded []rune // rune by rune in lower case
	alias  []rune // likewise; of the same length unless there was no such
	must   bool   // it is the name of a user or host in a fact; else it may stay where replacing it would change what is said
}

// A finder finds names in a text: whole words, whatever their case, the longest
// that fits.
type finder struct {
	names  map[string]*name  // by what they are folded
	byWord map[string][]span // by the first word of a name: where names with it can stand, the longest first
}

// A span is where a name lies around its first word.
type span struct {
	lead, length int // runes
}

func newFinder() *finder {
	return &finder{names: map[string]*name{}, byWord: map[string][]span{}}
}

// A hit is a place of a name: the runes [start, end) of a line.
type hit struct {
	line, start, end int
	name             *name
}

// isWord says whether a rune is part of a word.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

func fold(s string) []rune {
	r := []rune(s)
	for i := range r {
		r[i] = unicode.ToLower(r[i])
	}
	return r
}

// add adds a name; one without a word cannot be found. One that is there already
// keeps its alias.
func (f *finder) add(n *name) {
	start := slices.IndexFunc(n.folded, isWord)
	if start < 0 {
		return
	}
	if known := f.names[string(n.folded)]; known != nil {
		known.must = known.must || n.must
		return
	}
	f.names[string(n.folded)] = n
	word, at := string(n.folded[start:wordEnd(n.folded, start)]), span{start, len(n.folded)}
	all := f.byWord[word]
	if slices.Contains(all, at) {
		return
	}
	all = append(all, at)
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(b.length, a.length), cmp.Compare(a.lead, b.lead)) })
	f.byWord[word] = all
}

func wordEnd(r []rune, start int) int {
	for start < len(r) && isWord(r[start]) {
		start++
	}
	return start
}

// find calls each with the names in a line, in their order.
func (f *finder) find(line []rune, each func(start, end int, n *name)) {
	folded := make([]rune, len(line))
	for i, r := range line {
		folded[i] = unicode.ToLower(r)
	}
	free := 0 // behind the last name
	for i := 0; i < len(folded); {
		if !isWord(folded[i]) {
			i++
			continue
		}
		end := wordEnd(folded, i)
		for _, at := range f.byWord[string(folded[i:end])] {
			start := i - at.lead
			if n := f.at(folded, start, at.length); n != nil && start >= free {
				free = start + at.length
				each(start, free, n)
				break
			}
		}
		i = max(end, free)
	}
}

// at returns the name that stands at start as whole words, or nil.
func (f *finder) at(line []rune, start, length int) *name {
	end := start + length
	if start < 0 || end > len(line) {
		return nil
	}
	n := f.names[string(line[start:end])]
	if n == nil || start > 0 && isWord(line[start]) && isWord(line[start-1]) || end < len(line) && isWord(line[end-1]) && isWord(line[end]) {
		return nil
	}
	return n
}

// replace returns s with all names in it replaced.
func (f *finder) replace(s string) string {
	line := []rune(s)
	var out []rune
	last := 0
	f.find(line, func(start, end int, n *name) {
		out = append(append(out, line[last:start]...), n.as(line[start:end])...)
		last = end
	})
	return string(append(out, line[last:]...))
}

// may reports whether b is a with some of the names in it replaced.
func (f *finder) may(a, b string) bool {
	if a == b {
		return true
	}
	old, now := []rune(trimmed(a)), []rune(trimmed(b))
	ok, at := true, 0 // at is where now goes on
	last := 0
	take := func(r []rune) bool {
		if at+len(r) > len(now) || !slices.Equal(now[at:at+len(r)], r) {
			return false
		}
		at += len(r)
		return true
	}
	f.find(old, func(start, end int, n *name) {
		ok = ok && take(old[last:start]) && (take(n.as(old[start:end])) || take(old[start:end]))
		last = end
	})
	return ok && take(old[last:]) && at == len(now)
}

// as returns the alias in the spelling of a place.
func (n *name) as(spelled []rune) []rune {
	out := slices.Clone(n.alias)
	if len(out) != len(spelled) {
		return []rune(spell(string(out), string(spelled)))
	}
	for i, r := range spelled {
		if unicode.IsUpper(r) {
			out[i] = unicode.ToUpper(out[i])
		}
	}
	return out
}

// spell is an alias of another length in the spelling of a name.
func spell(alias, spelled string) string {
	if spelled == strings.ToUpper(spelled) && spelled != strings.ToLower(spelled) {
		return strings.ToUpper(alias)
	}
	return alias
}
