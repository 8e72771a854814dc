package facts_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"headroom/internal/format/facts"
)

func TestUnreadLinesAreCountedBeyondThoseThatAreKept(t *testing.T) {
	var u facts.UnreadLines
	for n := range facts.MaxUnread + 5 {
		u.Add(n+1, "?")
	}
	if u.Total != facts.MaxUnread+5 || len(u.First) != facts.MaxUnread || u.First[0].Line != 1 {
		t.Errorf("%d counted and %d kept, the first of line %d", u.Total, len(u.First), u.First[0].Line)
	}
}

func TestShortenedTextHasWholeLetters(t *testing.T) {
	for limit := range 10 {
		got := facts.Shorten("ä€ü漢字", limit)
		if !utf8.ValidString(got) || len(strings.TrimSuffix(got, "…")) > limit {
			t.Errorf("Shorten to %d = %q", limit, got)
		}
	}
	if got := facts.Shorten("abc", 3); got != "abc" {
		t.Errorf("Shorten of a text that fits = %q", got)
	}
}
