package report

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// aliases are what names are replaced by. They are drawn by chance, and the same
// for the same names in the same order, so that a text gives the same redaction
// again; of a name they tell its length, its digits and its marks.
type aliases struct {
	of   map[string]string // by the folded word
	used map[string]bool
	rand *rand.Rand
	news []string // words that were drawn for the text at hand
}

func newAliases() aliases {
	return aliases{of: map[string]string{}, used: map[string]bool{}, rand: rand.New(rand.NewPCG(1, 2))}
}

// forget drops what was drawn for the text at hand: other aliases are drawn next.
func (a *aliases) forget() {
	for _, w := range a.news {
		delete(a.of, w)
	}
	a.news = nil
}

// finder returns what finds the names of a text, each with its alias.
func (a *aliases) finder(names []nameIn, d *document) *finder {
	f := newFinder()
	taken := map[string]bool{}
	for _, n := range names {
		for _, word := range n.words() {
			taken[word] = true
		}
	}
	for _, n := range names {
		a.draw(n, taken, d)
		for _, part := range n.parts() {
			alias := a.alias(part)
			if alias == string(fold(part.text)) {
				continue // it has nothing but marks
			}
			for _, escape := range escapes {
				f.add(&name{folded: fold(escape.Replace(part.text)), alias: []rune(escape.Replace(alias)), must: part.must})
			}
		}
	}
	return f
}

// escapes are how a name can stand in a text: as it is, in XML, in JSON.
var escapes = []*strings.Replacer{
	strings.NewReplacer(),
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;"),
	strings.NewReplacer(`\`, `\\`, `"`, `\"`),
}

// address is an IPv4 address.
var address = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){3}$`)

// pieces divides a name into words with aliases of their own and what stands
// between them. The last part of a host's full name stays.
func (n nameIn) pieces() (words []string, between string, rest string) {
	folded := string(fold(n.text))
	switch {
	case n.after != "":
		words, between, rest = nameIn{text: n.after, host: true}.pieces()
		return words, between, rest + folded[len(string(fold(n.after))):]
	case address.MatchString(folded):
		return []string{folded}, "", ""
	case n.host && strings.Contains(strings.Trim(folded, "."), "."):
		labels := strings.Split(folded, ".")
		last := len(labels) - 1
		return labels[:last], ".", "." + labels[last]
	case strings.Contains(folded, `\`):
		return strings.Split(folded, `\`), `\`, ""
	case !n.host && strings.Contains(folded, "@"):
		return strings.Split(folded, "@"), "@", ""
	}
	return []string{folded}, "", ""
}

// words are those of a name that have an alias.
func (n nameIn) words() []string {
	words, _, _ := n.pieces()
	return slices.DeleteFunc(words, func(w string) bool { return w == "" || notNames[w] })
}

// parts are a name and what else it gives away: the short name and the domain of
// a host, the domain and the name of a user.
func (n nameIn) parts() []nameIn {
	words, between, rest := n.pieces()
	all := []nameIn{n}
	if len(words) == 1 && rest == "" || n.after != "" {
		return all
	}
	if between == "." || rest != "" {
		all = append(all, nameIn{text: words[0], host: true})
		if _, domain, _ := strings.Cut(n.text, "."); strings.Contains(domain, ".") {
			all = append(all, nameIn{text: domain, host: true})
		}
		return all
	}
	for _, w := range words {
		if w != "" && !notNames[w] {
			all = append(all, nameIn{text: w})
		}
	}
	return all
}

// alias is what a name is replaced by, folded.
func (a *aliases) alias(n nameIn) string {
	words, between, rest := n.pieces()
	out := make([]string, len(words))
	for i, w := range words {
		if alias, ok := a.of[w]; ok {
			w = alias
		}
		out[i] = w
	}
	return strings.Join(out, between) + rest
}

// draw makes up what a name's words are replaced by. An alias is no word of the
// text and no name, and has none in it, as far as its length leaves a choice.
func (a *aliases) draw(n nameIn, taken map[string]bool, d *document) {
	for _, w := range n.words() {
		if _, ok := a.of[w]; ok {
			continue
		}
		alias := ""
		for try := range 300 {
			alias = a.like(w, try >= 200)
			free := !taken[alias] && !a.used[alias] && alias != w
			if free && (try >= 100 || !d.has(alias) && !holds(alias, taken)) {
				break
			}
		}
		a.of[w], a.used[alias] = alias, true
		a.news = append(a.news, w)
	}
}

// holds reports whether a word has a name in it that is long enough to be known
// by.
func holds(alias string, taken map[string]bool) bool {
	const known = 3
	for i := range alias {
		for j := i + known; j <= len(alias); j++ {
			if taken[alias[i:j]] {
				return true
			}
		}
	}
	return false
}

// like makes up a word that looks like another one; a longer one, if it must.
func (a *aliases) like(word string, longer bool) string {
	const consonants, vowels, digits = "bcdfghjklmnpqrstvwxz", "aeiouy", "0123456789"
	if address.MatchString(word) {
		return a.address(word)
	}
	pick := func(from string) byte { return from[a.rand.IntN(len(from))] }
	var b strings.Builder
	letters := 0
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			b.WriteByte(pick(digits))
			letters = 0
		case unicode.IsLetter(r):
			b.WriteByte(pick([]string{consonants, vowels}[letters%2]))
			letters++
		default:
			b.WriteRune(r)
			letters = 0
		}
	}
	if longer {
		b.WriteByte(pick(consonants))
		b.WriteByte(pick(vowels))
		b.WriteString(strconv.Itoa(len(a.of)))
	}
	return b.String()
}

// address makes up an address whose parts have as many digits.
func (a *aliases) address(word string) string {
	parts := strings.Split(word, ".")
	for i, p := range parts {
		low, high := [][2]int{{1, 9}, {10, 99}, {100, 255}}[len(p)-1][0], [][2]int{{1, 9}, {10, 99}, {100, 255}}[len(p)-1][1]
		parts[i] = strconv.Itoa(low + a.rand.IntN(high-low+1))
	}
	return strings.Join(parts, ".")
}
