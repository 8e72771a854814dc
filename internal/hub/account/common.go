package account

import (
	"strings"
	"unicode"
)

// commonWords are what passwords of 12 and more characters that many people
// have are made of, with digits and marks around them and look-alikes in them.
var commonWords = strings.Fields(`
	password passwort kennwort motdepasse contrasena wachtwoord senha secret geheim
	qwerty qwertyuiop qwertz qwertzuiop azerty azertyuiop asdfgh asdfghjkl zxcvbnm yxcvbnm qazwsx qazwsxedc
	abc abcd abcdef abcdefg abcdefgh abcdefghijkl
	admin administrator root user guest login welcome willkommen bienvenue changeme letmein default test testing
	headroom license licence server console citrix flexnet
	summer winter spring autumn sommer herbst january february march april june july august september october november december
	monday friday sunday iloveyou sunshine princess dragon monkey football baseball superman batman starwars master shadow
	trustno hello hallo internet computer windows microsoft google company business office
	correct horse battery staple please the is my new in me and to of`)

// lookAlikes undoes the usual replacements.
var lookAlikes = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// common reports whether a password is one that many people have, or is made of
// its owner's names: what is left without digits and marks is nothing but such
// words, or it has fewer than five different characters.
func common(password string, names []string) bool {
	folded := strings.ToLower(password)
	different := map[rune]bool{}
	for _, r := range folded {
		different[r] = true
	}
	if len(different) < 5 {
		return true
	}
	words := map[string]bool{}
	for _, w := range commonWords {
		words[w] = true
	}
	for _, name := range names {
		for w := range strings.FieldsFuncSeq(strings.ToLower(name), notLetter) {
			words[w] = true
		}
	}
	core := strings.TrimFunc(folded, notLetter) // digits at the ends stand for nothing
	return madeOf(letters(folded), words) || madeOf(letters(lookAlikes.Replace(core)), words)
}

// madeOf reports whether s can be cut into the words.
func madeOf(s string, words map[string]bool) bool {
	reach := make([]bool, len(s)+1) // reach[i]: s[:i] can be cut
	reach[0] = true
	for i := range s {
		if !reach[i] {
			continue
		}
		for w := range words {
			if strings.HasPrefix(s[i:], w) {
				reach[i+len(w)] = true
			}
		}
	}
	return reach[len(s)]
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if notLetter(r) {
			return -1
		}
		return r
	}, s)
}
