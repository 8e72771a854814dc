package flexnet_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A naiveLog is a history told twice: as the text of a log, and as what that
// text means by rules that are as plain as they can be.
type naiveLog struct {
	at       time.Time
	lines    []string
	open     []flexnet.LogCheckout
	features map[[2]string]*flexnet.LogFeature
	users    map[[2]string]map[string]bool
	hosts    map[[2]string]map[string]bool
	refused  map[[4]string]time.Time
	asked    map[[4]string][]asked
	second   map[[2]string]flexnet.LogStep // of at
	steps    []flexnet.LogStep
}

// An asked is that somebody asked for a feature, and got it or was refused.
type asked struct {
	at     time.Time
	served bool
}

func newNaiveLog() *naiveLog {
	n := &naiveLog{
		at: mayDay(8, 0, 0), features: map[[2]string]*flexnet.LogFeature{},
		users: map[[2]string]map[string]bool{}, hosts: map[[2]string]map[string]bool{},
		refused: map[[4]string]time.Time{}, asked: map[[4]string][]asked{}, second: map[[2]string]flexnet.LogStep{},
	}
	n.line("(lmgrd) FlexNet Licensing (v11.16) started on LIC01 (IBM PC) (5/6/2024)")
	return n
}

func (n *naiveLog) line(format string, args ...any) {
	n.lines = append(n.lines, fmt.Sprintf("%2d:%02d:%02d ", n.at.Hour(), n.at.Minute(), n.at.Second())+fmt.Sprintf(format, args...)+"\n")
}

// wait goes on to a later second; what the one before did is a step.
func (n *naiveLog) wait(seconds int) {
	if seconds > 0 {
		n.flush()
		n.at = n.at.Add(time.Duration(seconds) * time.Second)
	}
}

func (n *naiveLog) flush() {
	for _, s := range n.second {
		n.steps = append(n.steps, s)
	}
	clear(n.second)
}

func (n *naiveLog) feature(key [2]string) *flexnet.LogFeature {
	f := n.features[key]
	if f == nil {
		f = &flexnet.LogFeature{Daemon: key[0], Feature: key[1], First: n.at, Peak: flexnet.LogPeak{Basis: license.BasisExact}}
		n.features[key], n.users[key], n.hosts[key] = f, map[string]bool{}, map[string]bool{}
	}
	f.Last = n.at
	return f
}

// value adds up what is open, and takes it as a value of this second.
func (n *naiveLog) value(key [2]string) {
	f := n.features[key]
	f.Open, f.OpenCheckouts = 0, 0
	for _, c := range n.open {
		if c.Daemon == key[0] && c.Feature == key[1] {
			f.Open += c.Licenses
			f.OpenCheckouts++
		}
	}
	if f.Open > f.Peak.Value {
		f.Peak.Value, f.Peak.At = f.Open, n.at
	}
	s := flexnet.LogStep{Daemon: key[0], Feature: key[1], At: n.at, InUse: f.Open, High: f.Open}
	s.High = max(s.High, n.second[key].High)
	n.second[key] = s
}

func (n *naiveLog) out(c flexnet.LogCheckout, tail string) {
	n.line("(%s) OUT: %q %s@%s  %s", c.Daemon, c.Feature, c.User, c.Host, tail)
	key := [2]string{c.Daemon, c.Feature}
	f := n.feature(key)
	f.Out++
	f.OutLicenses += c.Licenses
	n.meet(key, c)
	n.asks(c, true)
	c.Since = n.at
	n.open = append(n.open, c)
	n.value(key)
}

func (n *naiveLog) asks(c flexnet.LogCheckout, served bool) (who [4]string) {
	who = [4]string{c.Daemon, c.Feature, strings.ToLower(c.User), strings.ToLower(c.Host)}
	n.asked[who] = append(n.asked[who], asked{n.at, served})
	return who
}

// outcomes counts the needs of those who were refused: a need ends with a refusal
// that no other one follows within 5 minutes.
func (n *naiveLog) outcomes() {
	for who, all := range n.asked {
		f := n.features[[2]string{who[0], who[1]}]
		for i, a := range all {
			within := slices.DeleteFunc(slices.Clone(all[i+1:]), func(b asked) bool { return b.at.Sub(a.at) > 5*time.Minute })
			again := slices.ContainsFunc(within, func(b asked) bool { return !b.served })
			switch {
			case a.served || again:
			case len(within) > 0:
				f.DeniedFalse++
			case n.at.Sub(a.at) > 5*time.Minute:
				f.DeniedTrue++
			}
		}
	}
}

func (n *naiveLog) in(c flexnet.LogCheckout, tail string) {
	n.line("(%s) IN: %q %s@%s  %s", c.Daemon, c.Feature, c.User, c.Host, tail)
	key := [2]string{c.Daemon, c.Feature}
	f := n.feature(key)
	f.In++
	f.InLicenses += c.Licenses
	n.meet(key, c)
	i := slices.IndexFunc(n.open, func(o flexnet.LogCheckout) bool { return folded(o) == folded(c) })
	if i < 0 {
		f.InUnmatched++
		return
	}
	n.open = slices.Delete(n.open, i, i+1)
	n.value(key)
}

func folded(c flexnet.LogCheckout) flexnet.LogCheckout {
	c.User, c.Host, c.Since = strings.ToLower(c.User), strings.ToLower(c.Host), time.Time{}
	return c
}

func (n *naiveLog) meet(key [2]string, c flexnet.LogCheckout) {
	n.users[key][strings.ToLower(c.User)] = true
	n.hosts[key][strings.ToLower(c.Host)] = true
}

func (n *naiveLog) denied(c flexnet.LogCheckout, code int) {
	n.line("(%s) DENIED: %q %s@%s  (Some text. (%d,342:10054 \"\"))", c.Daemon, c.Feature, c.User, c.Host, code)
	f := n.feature([2]string{c.Daemon, c.Feature})
	f.Denied++
	who := n.asks(c, false)
	last, before := n.refused[who]
	n.refused[who] = n.at
	if before && n.at.Sub(last) <= 5*time.Minute {
		return
	}
	f.DeniedFolded++
	if code == -4 {
		f.Shortages++
	}
}

// reset gives back what is open on a daemon; empty: on all.
func (n *naiveLog) reset(daemon string) {
	var gone [][2]string
	n.open = slices.DeleteFunc(n.open, func(c flexnet.LogCheckout) bool {
		if daemon != "" && c.Daemon != daemon {
			return false
		}
		gone = append(gone, [2]string{c.Daemon, c.Feature})
		return true
	})
	for _, key := range gone {
		n.value(key)
	}
}

// sums returns the features, sorted.
func (n *naiveLog) sums() []flexnet.LogFeature {
	n.outcomes()
	var all []flexnet.LogFeature
	for key, f := range n.features {
		f.Users, f.Hosts = len(n.users[key]), len(n.hosts[key])
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b flexnet.LogFeature) int {
		return cmp.Or(cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature))
	})
	return all
}

// drawLog makes a history out of everything that changes counts.
func drawLog(t *rapid.T) *naiveLog {
	n := newNaiveLog()
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		n.wait(rapid.SampledFrom([]int{0, 0, 1, 7, 200, 400, 7 * 3600}).Draw(t, "wait"))
		c := flexnet.LogCheckout{
			Daemon: pick("daemon", "vend", "other"), Feature: pick("feature", "f", "F", "g h"),
			User: pick("user", "ann", "Ann", "Jane Doe", "a@b"), Host: pick("host", "pc1", "PC1", "pc2"),
			Extra: pick("extra", "", "", "x"), Licenses: rapid.Int64Range(1, 2).Draw(t, "licenses"),
		}
		tail := ""
		if c.Extra != "" {
			tail += "[" + c.Extra + "] "
		}
		if c.Licenses > 1 {
			tail += fmt.Sprintf("(%d licenses) ", c.Licenses)
		}
		switch kind := rapid.IntRange(0, 19).Draw(t, "kind"); {
		case kind < 8:
			n.out(c, tail)
		case kind < 15:
			n.in(c, tail+pick("reason", "", "(INACTIVE)"))
		case kind < 18:
			n.denied(c, rapid.SampledFrom([]int{-4, -38}).Draw(t, "code"))
		case kind == 18:
			n.line("(%s) EXITING DUE TO SIGNAL 15", c.Daemon)
			n.reset(c.Daemon)
		default:
			n.line("(lmgrd) FlexNet Licensing (v11.16) started on LIC01 (IBM PC) (%s)", n.at.Format("1/2/2006"))
			n.reset("")
		}
	}
	n.flush()
	n.line("(lmgrd) TIMESTAMP %s", n.at.Format("1/2/2006"))
	return n
}

// byTime sorts steps: within a second their order means nothing.
func byTime(a, b flexnet.LogStep) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature))
}

func TestTotalsAreThoseOfTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawLog(t)
		totals := flexnet.NewLogTotals(flexnet.LogOptions{})
		var steps []flexnet.LogStep
		totals.OnStep = func(s flexnet.LogStep) { steps = append(steps, s) }
		file, err := totals.Read(strings.NewReader(strings.Join(want.lines, "")))
		totals.Flush()
		if err != nil || file.UnreadLines != 0 {
			t.Fatalf("error %v, unread %v", err, file.Unread)
		}
		if diff := diffOf(want.sums(), totals.Features()); diff != "" {
			t.Errorf("features: -want +got\n%s", diff)
		}
		if got, want := len(totals.Open()), len(want.open); got != want {
			t.Errorf("%d checkouts open, want %d", got, want)
		}
		if !slices.IsSortedFunc(steps, func(a, b flexnet.LogStep) int { return a.At.Compare(b.At) }) {
			t.Errorf("steps are not in order of time: %v", steps)
		}
		slices.SortFunc(steps, byTime)
		slices.SortFunc(want.steps, byTime)
		if diff := diffOf(want.steps, steps); diff != "" {
			t.Errorf("steps: -want +got\n%s", diff)
		}
	})
}

// A log that was rotated anywhere is one history.
func TestCutAnywhereALogHasTheSameTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLog(t).lines
		cut := rapid.IntRange(1, len(lines)-1).Draw(t, "cut")
		read := func(parts ...[]string) (*flexnet.LogTotals, []flexnet.LogStep) {
			totals := flexnet.NewLogTotals(flexnet.LogOptions{})
			var steps []flexnet.LogStep
			totals.OnStep = func(s flexnet.LogStep) { steps = append(steps, s) }
			for _, p := range parts {
				if _, err := totals.Read(strings.NewReader(strings.Join(p, ""))); err != nil {
					t.Fatal(err)
				}
			}
			totals.Flush()
			return totals, steps
		}
		whole, wholeSteps := read(lines)
		parts, partSteps := read(lines[:cut], lines[cut:])
		if diff := diffOf(whole.Features(), parts.Features()); diff != "" {
			t.Errorf("features: -whole +parts\n%s", diff)
		}
		if diff := diffOf(whole.Open(), parts.Open()); diff != "" {
			t.Errorf("open: -whole +parts\n%s", diff)
		}
		if diff := diffOf(wholeSteps, partSteps); diff != "" {
			t.Errorf("steps: -whole +parts\n%s", diff)
		}
	})
}
