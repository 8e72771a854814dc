package console

import (
	"regexp"
	"strings"
	"testing"

	"headroom/internal/insight"
	"headroom/internal/license"
)

// A peak is never a bare number where a bound of it is known, and says why.
func TestPeakShowsHowWellItIsKnown(t *testing.T) {
	tag := regexp.MustCompile(`<[^>]*>`)
	const toldOnly = "tells only the highest use of a time"
	for name, c := range map[string]struct {
		peak  insight.Peak
		value string   // as it is read
		why   []string // in the title of the value
		basis []string // in the words beside it, or their title
	}{
		"exact":               {insight.Peak{Value: 57, Low: 57, Basis: license.BasisExact}, "57", nil, []string{">exact<"}},
		"at least":            {insight.Peak{Value: 57, Low: 57, Basis: license.BasisAtLeast}, "\u2265&#8239;57", []string{"may be higher"}, []string{">at least<"}},
		"between":             {insight.Peak{Value: 1057, Low: 12, Basis: license.BasisBetween}, "12 to 1\u202f057", []string{toldOnly}, []string{">between, only the highest", toldOnly, "lies between"}},
		"from nothing":        {insight.Peak{Value: 57, Basis: license.BasisBetween}, "0 to 57", []string{toldOnly}, []string{toldOnly}},
		"between and reached": {insight.Peak{Value: 57, Low: 57, Basis: license.BasisBetween}, "57", nil, []string{">between, only the highest", toldOnly, "value is certain"}},
		"between and partial": {insight.Peak{Value: 57, Low: 12, Basis: license.BasisBetween, Partial: true}, "12 to \u2265&#8239;57", []string{toldOnly, "may be higher"}, []string{", partial<"}},
		"reached and partial": {insight.Peak{Value: 57, Low: 57, Basis: license.BasisBetween, Partial: true}, "\u2265&#8239;57", []string{"may be higher"}, []string{", partial<", "value of those known is certain"}},
	} {
		c.peak.Known = true
		v := newPeak(testClock(t), "Span shown", c.peak)
		if got := tag.ReplaceAllString(string(v.Value), ""); got != c.value {
			t.Errorf("%s: value %q, want %q", name, got, c.value)
		}
		for _, want := range c.why {
			if !strings.Contains(string(v.Value), want) {
				t.Errorf("%s: value %s does not say %q", name, v.Value, want)
			}
		}
		for _, want := range c.basis {
			if !strings.Contains(string(v.Basis), want) {
				t.Errorf("%s: basis %s does not say %q", name, v.Basis, want)
			}
		}
	}
}

// The sample shows every basis, so that whoever changes the design sees it.
func TestSampleShowsABetween(t *testing.T) {
	pages := samplePages(t)
	for _, name := range []string{"usage", "details", "kit"} {
		if !strings.Contains(pages[name], "Between these two.") {
			t.Errorf("%s: no peak that lies between two values", name)
		}
	}
}
