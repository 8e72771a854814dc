package wire_test

import (
	"encoding/binary"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"headroom/internal/wire"
)

func TestWordListHas512PlainWords(t *testing.T) {
	text, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(text))
	plain := regexp.MustCompile(`^[a-z]{3,8}$`)
	for _, w := range words {
		if !plain.MatchString(w) {
			t.Errorf("%q is no short plain word", w)
		}
	}
	if !slices.IsSorted(words) || len(slices.Compact(words)) != 512 {
		t.Errorf("%d different words in order, want 512", len(slices.Compact(words)))
	}
}

// The words stand on two screens, made by two versions of the program.
func TestWordsStayTheSame(t *testing.T) {
	key := make([]byte, 32)
	want := []string{"hawk", "saffron", "tiger", "insect", "lobster", "friday"}
	if got := wire.Words(key); !slices.Equal(got, want) {
		t.Errorf("Words of 32 zero bytes = %q, want %q", got, want)
	}
	if got, want := wire.KeyID(key), "Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU"; got != want {
		t.Errorf("KeyID of 32 zero bytes = %q, want %q", got, want)
	}
}

// E-07.
func TestWordsTellKeysApart(t *testing.T) {
	seen := map[string]int{}
	key := make([]byte, 32)
	for i := range 100_000 {
		binary.BigEndian.PutUint32(key, uint32(i))
		words := wire.Words(key)
		if len(words) != wire.WordCount {
			t.Fatalf("%d words, want %d", len(words), wire.WordCount)
		}
		shown := strings.Join(words, " ")
		if before, ok := seen[shown]; ok {
			t.Fatalf("keys %d and %d have the words %q", before, i, shown)
		}
		seen[shown] = i
	}
}
