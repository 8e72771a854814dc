package usage_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// Every file in testdata is a worked example of what a card says; its first
// lines tell how it is written.
func TestWorkedExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cards := 0
			e, want := newEstate(t), []string(nil)
			compare := func() {
				if got := cardText(t, e); want != nil && !slices.Equal(got, want) {
					t.Errorf("%s:\ngot  %s\nwant %s", file, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
			}
			lines := bufio.NewScanner(f)
			for lines.Scan() {
				text, _, _ := strings.Cut(lines.Text(), "#")
				words := strings.Fields(text)
				switch {
				case len(words) == 0:
				case words[0] == "card":
					cards++
				case text[0] == ' ':
					want = append(want, strings.Join(words, " "))
				default:
					if want != nil { // the next case begins
						compare()
						e, want = newEstate(t), nil
					}
					e.told(t, words)
				}
			}
			compare()
			if err := lines.Err(); err != nil || cards == 0 {
				t.Fatalf("%d cards, %v", cards, err)
			}
		})
	}
}

// told reads: SERVER AGO key=value...
func (e *estate) told(t *testing.T, words []string) {
	t.Helper()
	ago, err := time.ParseDuration(words[1])
	if err != nil {
		t.Fatal(err)
	}
	r := e.server(words[0])
	r.LastReported = now.Add(-ago)
	s := series.Sample{State: license.StateCounted}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		if key == "state" {
			s.State = license.ParseState(value)
			continue
		}
		count, ok := map[string]*license.Count{
			"inuse": &s.InUse, "installed": &s.Installed, "overdraft": &s.Overdraft,
			"reserved": &s.Reserved, "borrowed": &s.Borrowed, "queued": &s.Queued,
		}[key]
		if !ok {
			t.Fatalf("%q is not understood", word)
		}
		if err := count.UnmarshalJSON([]byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	e.reading(t, r, now.Add(-ago), map[string]series.Sample{"cad": s})
}

// cardText writes the card of the only product.
func cardText(t *testing.T, e *estate) []string {
	t.Helper()
	c := card(t, overview(t, e.service()), "cad")
	installed, available := c.Now.Installed.String(), "unknown"
	if c.Now.Unlimited {
		installed = "unlimited"
	}
	if percent, ok := c.Now.Available(); ok {
		available = fmt.Sprintf("%.1f %%", percent)
	}
	out := []string{
		fmt.Sprintf("in use %v of %s, available %s", c.Now.InUse, installed, available),
		fmt.Sprintf("overdraft used %v", c.Now.Over),
		fmt.Sprintf("risk %s", c.Risk),
	}
	if c.Tightest != "" {
		out = append(out, "tightest "+c.Tightest)
	}
	if len(c.Now.LeftOut) > 0 {
		out = append(out, "left out "+strings.Join(c.Now.LeftOut, ", "))
	}
	if c.Now.Uncounted > 0 {
		out = append(out, fmt.Sprintf("uncounted on %d", c.Now.Uncounted))
	}
	return out
}

var _ usage.Store = (*estate)(nil)
