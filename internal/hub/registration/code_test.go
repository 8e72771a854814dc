package registration

import (
	"crypto/rand"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// E-01: a million codes.
func TestCodesAreEven(t *testing.T) {
	if len(Symbols) != 30 || strings.ContainsAny(Symbols, "ILOU01") {
		t.Fatalf("Symbols = %q, want 30 without I, L, O, U, 0 and 1", Symbols)
	}
	const codes = 1_000_000
	var seen [CodeLength]map[byte]int
	for i := range seen {
		seen[i] = map[byte]int{}
	}
	all := make(map[string]bool, codes)
	for range codes {
		code, err := newCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all[code] = true
		for i := range CodeLength {
			seen[i][code[i]]++
		}
	}
	if repeats := codes - len(all); repeats > 1 {
		t.Errorf("%d of %d codes are repeats, want at most 1", repeats, codes)
	}
	const limit = 58.3 // chi-square, 29 degrees of freedom, p = 0.001
	above := 0
	for i, counts := range seen {
		expected := float64(codes) / float64(len(Symbols))
		chi := 0.0
		for _, s := range []byte(Symbols) {
			chi += math.Pow(float64(counts[s])-expected, 2) / expected
			delete(counts, s)
		}
		if len(counts) > 0 {
			t.Errorf("position %d has other symbols: %v", i, counts)
		}
		if chi > limit {
			above++
		}
	}
	// One position in a thousand is above by chance; two of ten never are.
	if above > 1 {
		t.Errorf("%d positions have a chi-square above %.1f", above, limit)
	}
}

// E-02: whoever loosens a limit has to look at this.
func TestGuessingACodeIsHopeless(t *testing.T) {
	l := DefaultLimits
	space := math.Pow(float64(len(Symbols)), CodeLength)
	window := math.Log2(float64(l.Live*l.Account) / space)
	// The windows are no shorter than the waits, so nobody gets more than his
	// number of tries in a wait's time.
	perYear := 365.25 * 24 / l.AccountWait.Hours() * float64(l.Account)
	year := math.Log2(float64(l.Live) * perYear * 1000 / space)
	t.Logf("an account's window: 2^%.1f; a thousand hostile accounts at their cap, a year: 2^%.1f", window, year)
	if window >= -35 {
		t.Errorf("an account's window finds a code with 2^%.1f, want less than 2^-35", window)
	}
	if year >= -14 {
		t.Errorf("a thousand accounts find a code in a year with 2^%.1f, want less than 2^-14", year)
	}
}

func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"ABCDE-FGH23":            "ABCDEFGH23",
		"abcdefgh23":             "ABCDEFGH23",
		"  abc de\u2013fGh 23\t": "ABCDEFGH23",
		"ABCDE\u00a0FGH23":       "ABCDEFGH23",
		"ABCDE-FGH2":             "",
		"ABCDE-FGH234":           "",
		"ABCDE-FGHI3":            "",
		"ABCDE-FGH\u00c423":      "",
		"":                       "",
	} {
		got, ok := readCode(typed)
		if got != want || ok != (want != "") {
			t.Errorf("readCode(%q) = %q, %v, want %q", typed, got, ok, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		code := rapid.StringOfN(rapid.SampledFrom([]rune(Symbols)), CodeLength, CodeLength, -1).Draw(rt, "code")
		if got, ok := readCode(strings.ToLower(ShowCode(code))); got != code || !ok {
			rt.Errorf("readCode(%q) = %q, %v, want %q", ShowCode(code), got, ok, code)
		}
	})
}
