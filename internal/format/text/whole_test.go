package text_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/unicode"

	"headroom/internal/format/text"
)

func TestWholeTextsAreDecodedAsLinesAre(t *testing.T) {
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String("é\r\nb")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ in, page, want string }{
		"empty":               {"", "", ""},
		"UTF-8":               {"é\r\nb", "", "é\r\nb"},
		"UTF-8 with mark":     {"\xEF\xBB\xBFé", "", "é"},
		"UTF-16":              {wide, "", "é\r\nb"},
		"one line of another": {"é\nJ\xFCrgen\né\n", "", "é\nJürgen\né\n"},
		"windows-1251":        {"\xC8\xE2\xE0\xED", "windows-1251", "Иван"},
	} {
		got, more, err := text.ReadAll(strings.NewReader(tt.in), tt.page, 100)
		if string(got) != tt.want || more || err != nil {
			t.Errorf("%s: %q, more %t, %v; want %q and all of it", name, got, more, err, tt.want)
		}
	}
}

func TestWholeTextsHaveALimit(t *testing.T) {
	for n, want := range map[int64]bool{2: true, 3: false, 4: false} {
		got, more, err := text.ReadAll(strings.NewReader("abc"), "", n)
		if string(got) != "abc"[:min(n, 3)] || more != want || err != nil {
			t.Errorf("limit %d: %q, more %t, %v; want more %t", n, got, more, err, want)
		}
	}
}

func TestWholeTextsComeWithTheErrorOfTheReader(t *testing.T) {
	broken := errors.New("disk is gone")
	got, _, err := text.ReadAll(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), "", 100)
	if string(got) != "half" || !errors.Is(err, broken) {
		t.Errorf("%q, %v; want what was read and %v", got, err, broken)
	}
	if _, _, err := text.ReadAll(strings.NewReader(""), "klingon", 100); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}
