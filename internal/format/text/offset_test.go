package text_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"headroom/internal/format/text"
)

func TestReadingGoesOnAtTheOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in strings.Builder
		in.WriteString(rapid.SampledFrom([]string{"", "\xEF\xBB\xBF"}).Draw(t, "mark"))
		for _, line := range rapid.SliceOf(rapid.StringMatching(`[ -~é]{0,40}`)).Draw(t, "lines") {
			in.WriteString(line)
			in.WriteString(rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end"))
		}
		in.WriteString(rapid.StringMatching(`[ -~é]{0,9}`).Draw(t, "rest"))
		all := linesOf(t, in.String())
		l, err := text.NewLines(strings.NewReader(in.String()), "")
		if err != nil {
			t.Fatal(err)
		}
		before := int64(0)
		for l.Next() {
			at := l.Offset()
			want := all[l.Number():]
			if at == before { // the last line has no end
				want = all[l.Number()-1:]
			}
			before = at
			if got := linesOf(t, in.String()[at:]); !slices.Equal(got, want) {
				t.Fatalf("%q from %d behind line %d: %q, want %q", in.String(), at, l.Number(), got, want)
			}
		}
	})
}

func linesOf(t *rapid.T, in string) []string {
	l, err := text.NewLines(strings.NewReader(in), "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for l.Next() {
		all = append(all, l.Text())
	}
	return all
}

func TestLongLinesCountInTheOffset(t *testing.T) {
	long := strings.Repeat("x", 5*text.MaxLine)
	l, err := text.NewLines(strings.NewReader("a\n"+long+"\r\nb\nc"), "")
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for l.Next() {
		got = append(got, l.Offset())
	}
	n := int64(len(long)) + 4
	if want := []int64{2, n, n + 2, n + 2}; !slices.Equal(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
}

func TestUTF16HasNoOffset(t *testing.T) {
	in, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("a\nb\n")
	if err != nil {
		t.Fatal(err)
	}
	l, err := text.NewLines(strings.NewReader(in), "")
	if err != nil {
		t.Fatal(err)
	}
	for l.Next() {
		if l.Offset() != 0 {
			t.Errorf("offset %d behind line %d, want 0", l.Offset(), l.Number())
		}
	}
}
