package text_test

import (
	"testing"

	"headroom/internal/format/text"
)

func TestParseCount(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "000": 0, "042": 42, "2147483647": 2147483647, "999999999999": 999999999999} {
		if got, ok := text.ParseCount(s); got != want || !ok {
			t.Errorf("ParseCount(%q) = %d, %t; want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "-1", "+1", "1.0", "1,000", "unlimited", "0x1", "1_0", "9999999999999"} {
		if got, ok := text.ParseCount(s); ok {
			t.Errorf("ParseCount(%q) = %d, want none", s, got)
		}
	}
}
