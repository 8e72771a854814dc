package text_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"headroom/internal/format/text"
)

// read returns all lines of r, and how the walk ended.
func read(t testing.TB, r io.Reader, codePage string) ([]string, error) {
	t.Helper()
	l, err := text.NewLines(r, codePage)
	if err != nil {
		t.Fatalf("NewLines: %v", err)
	}
	var all []string
	for l.Next() {
		all = append(all, l.Text())
		if l.Number() != len(all) {
			t.Errorf("line %q has number %d, want %d", l.Text(), l.Number(), len(all))
		}
	}
	return all, l.Err()
}

func TestLineEndsMayBeMixed(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\r\nb\nc\rd", []string{"a", "b", "c", "d"}},
		{"a\r\n\r\nb", []string{"a", "", "b"}},
		{"\n\n", []string{"", ""}},
		{"a\r\rb\r", []string{"a", "", "b"}},
	}
	for _, tt := range tests {
		for name, r := range map[string]io.Reader{
			"whole":  strings.NewReader(tt.in),
			"bytes":  iotest.OneByteReader(strings.NewReader(tt.in)),
			"halves": iotest.HalfReader(strings.NewReader(tt.in)),
		} {
			got, err := read(t, r, "")
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("lines of %q (%s): error %v, -want +got\n%s", tt.in, name, err, diff)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	const want = "user Jürgen 김철수 €"
	little, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(want + "\r\nb")
	if err != nil {
		t.Fatal(err)
	}
	big, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(want + "\r\nb")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, in, page, want string
	}{
		{"UTF-8", want + "\nb", "", want},
		{"UTF-8 with mark", "\xEF\xBB\xBF" + want + "\nb", "", want},
		{"UTF-16 little endian", little, "", want},
		{"UTF-16 big endian", big, "", want},
		{"windows-1252 by default", "J\xFCrgen \x80\nb", "", "Jürgen €"},
		{"windows-1251", "\xC8\xE2\xE0\xED\nb", "windows-1251", "Иван"},
		{"euc-kr", "\xB1\xE8\xC3\xB6\xBC\xF6\nb", "euc-kr", "김철수"},
		{"euc-kr, broken", "a \xB1\nb", "euc-kr", "a \uFFFD"},
	}
	for _, tt := range tests {
		got, err := read(t, strings.NewReader(tt.in), tt.page)
		if diff := cmp.Diff([]string{tt.want, "b"}, got); diff != "" || err != nil {
			t.Errorf("%s: error %v, -want +got\n%s", tt.name, err, diff)
		}
	}
}

func TestOneOddLineDoesNotChangeTheOthers(t *testing.T) {
	got, err := read(t, strings.NewReader("é\nJ\xFCrgen\né"), "")
	if diff := cmp.Diff([]string{"é", "Jürgen", "é"}, got); diff != "" || err != nil {
		t.Errorf("error %v, -want +got\n%s", err, diff)
	}
}

func TestUnknownCodePageIsRefused(t *testing.T) {
	if _, err := text.NewLines(strings.NewReader(""), "klingon"); err == nil || !strings.Contains(err.Error(), "klingon") {
		t.Errorf("NewLines with code page klingon: error %v, want one that names it", err)
	}
}

func TestLongLinesAreCutAndTheNextIsRead(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		for _, length := range []int{text.MaxLine, text.MaxLine + 1, 5 * text.MaxLine} {
			in := strings.Repeat("é", length/2) + strings.Repeat("x", length%2) + end + "next"
			l, err := text.NewLines(strings.NewReader(in), "")
			if err != nil {
				t.Fatal(err)
			}
			l.Next()
			if got, want := l.Cut(), length > text.MaxLine; got != want {
				t.Errorf("%d bytes: cut %t, want %t", length, got, want)
			}
			if got := len(l.Bytes()); got > text.MaxLine || !utf8.Valid(l.Bytes()) {
				t.Errorf("%d bytes: %d bytes left, valid %t; want at most %d, whole letters", length, got, utf8.Valid(l.Bytes()), text.MaxLine)
			}
			if !l.Next() || l.Text() != "next" || l.Cut() || l.Number() != 2 {
				t.Errorf("%d bytes: line %d is %q, cut %t; want 2, next, not cut", length, l.Number(), l.Text(), l.Cut())
			}
			if l.Next() {
				t.Errorf("%d bytes: a third line %q", length, l.Text())
			}
		}
	}
}

func TestReadErrorEndsTheLines(t *testing.T) {
	broken := errors.New("disk is gone")
	got, err := read(t, io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(broken)), "")
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if diff := cmp.Diff([]string{"a", "half"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A reader that never brings anything must not hang us.
type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestIdleReaderEnds(t *testing.T) {
	if _, err := read(t, idleReader{}, ""); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v, want %v", err, io.ErrNoProgress)
	}
}

func TestNoBytesAreLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.StringMatching(`[ -~é]{0,40}`)).Draw(t, "lines")
		var in strings.Builder
		for _, line := range want {
			in.WriteString(line)
			in.WriteString(rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end"))
		}
		l, err := text.NewLines(iotest.HalfReader(strings.NewReader(in.String())), "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for l.Next() {
			got = append(got, l.Text())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Fatalf("lines of %q = %q, want %q", in.String(), got, want)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\nd"), "")
	f.Add([]byte("\xFF\xFEa\x00\n\x00"), "euc-kr")
	f.Add([]byte("\xEF\xBB\xBFJ\xFCrgen"), "windows-1251")
	f.Fuzz(func(t *testing.T, in []byte, page string) {
		l, err := text.NewLines(iotest.HalfReader(strings.NewReader(string(in))), page)
		if err != nil {
			return
		}
		n := 0
		for l.Next() {
			n++
			if strings.ContainsAny(l.Text(), "\r\n") && utf8.Valid(in) {
				t.Fatalf("line %d of %q holds a line end: %q", n, in, l.Text())
			}
		}
		if l.Err() != nil {
			t.Fatalf("%q: %v", in, l.Err())
		}
		if n == 0 && len(in) > 4 {
			t.Fatalf("no line in %q", in)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	in := strings.Repeat("    user1 server034 server0340 (v31.0) (host1/28000 5226), start Fri 10/20 16:40\r\n", 10000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		l, err := text.NewLines(strings.NewReader(in), "")
		if err != nil {
			b.Fatal(err)
		}
		for l.Next() {
			_ = l.Bytes()
		}
	}
}
