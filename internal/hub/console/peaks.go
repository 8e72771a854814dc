package console

import (
	"html/template"
	"math"
	"strings"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A peaksView is a small table of highest values.
type peaksView struct {
	Title string
	Rows  []peakView
}

// A peakView is one highest value with what it rests on.
type peakView struct {
	Window string
	Note   string // under it
	Value  template.HTML
	Of     template.HTML // what was installed then; empty if there is no peak
	When   template.HTML
	Basis  template.HTML
}

// newPeaks shows the three windows of a product.
func newPeaks(clock look.Clock, p usage.Peaks, use string) peaksView {
	v := peaksView{Title: "Highest " + use, Rows: []peakView{
		newPeak(clock, "Last 7 days", p.Last7),
		newPeak(clock, "This month", p.Month),
	}}
	all := newPeak(clock, "All time", p.All)
	if !p.Since.IsZero() {
		all.Note = "since " + clock.DayText(p.Since)
	}
	v.Rows = append(v.Rows, all)
	return v
}

func newPeak(clock look.Clock, window string, p insight.Peak) peakView {
	v := peakView{Window: window}
	if !p.Known {
		v.Value = look.Unknown("No moment of this time is known.")
		v.When = look.None("no moment of this time is known")
		return v
	}
	v.Value = peakValue(p)
	v.Of = peakInstalled(p)
	v.When = clock.Time(time.Unix(p.At, 0))
	v.Basis = basisText(p)
	return v
}

const (
	whyHigher  = "The true value may be higher."
	whyBetween = "The source tells only the highest use of a time, not when it was reached."
)

// peakValue never shows a bare number where the true one may be higher, or lies
// between two.
func peakValue(p insight.Peak) template.HTML {
	value, why := look.Number(p.Value), ""
	if mayBeHigher(p) {
		value, why = "\u2265&#8239;"+value, whyHigher
	}
	if isBetween(p) {
		value = look.Number(p.Low) + " to " + value
		why = strings.TrimSpace("Between these two. " + whyBetween + " " + why)
	}
	if why == "" {
		return template.HTML(value)
	}
	return template.HTML(`<span title="` + why + `">` + value + `</span>`)
}

// mayBeHigher says whether more than a peak's value may have been in use.
func mayBeHigher(p insight.Peak) bool { return p.Partial || p.Basis == license.BasisAtLeast }

// isBetween says whether less than a peak's value may have been in use.
func isBetween(p insight.Peak) bool { return p.Basis == license.BasisBetween && p.Low < p.Value }

func peakInstalled(p insight.Peak) template.HTML {
	if p.Unlimited {
		return "unlimited"
	}
	return look.Count(p.Installed, "A license server did not tell what was installed at that moment.")
}

// basisText says how well a peak is known.
func basisText(p insight.Peak) template.HTML {
	words := map[license.Basis][2]string{
		license.BasisExact:   {"exact", "From complete events of the license servers: exact to the second."},
		license.BasisSampled: {"sampled", "Seen at readings. Between two of them use may have been higher."},
		license.BasisAtLeast: {"at least", "From a log that was cut at its start: use may have been higher."},
		license.BasisBetween: {"between, only the highest of a time is told", whyBetween},
	}
	word, ok := words[p.Basis]
	if !ok {
		return look.None("not known how")
	}
	text, title := word[0], word[1]
	switch {
	case isBetween(p):
		title += " The peak lies between the two values."
	case p.Basis == license.BasisBetween && p.Partial:
		title += " The value of those known is certain, and when in its time it was reached is not."
	case p.Basis == license.BasisBetween:
		title += " The value is certain, and when in its time it was reached is not."
	}
	if p.Partial {
		text += ", partial"
		title += " At that moment one of the license servers was unknown."
	}
	if p.Reserved > 0 {
		text += ", " + look.Number(p.Reserved) + " reserved"
		title += " The reserved part was set aside and not taken."
	}
	if share, ok := p.Coverage.Share(); ok {
		title += " Coverage of this time: " + look.Percent(100*share) + "."
	}
	return template.HTML(`<span title="` + template.HTMLEscapeString(title) + `">` + template.HTMLEscapeString(text) + `</span>`)
}

// points turns the buckets of a trend into what charts draw. Time before the
// first record is not drawn as unknown: nothing was there to know.
func points(buckets []insight.Bucket) []look.Point {
	all := make([]look.Point, len(buckets))
	for i, b := range buckets {
		p := look.Point{
			From: time.Unix(b.From, 0), To: time.Unix(b.To, 0), Mean: b.Mean, Least: b.Least, Partial: b.Peak.Partial,
			Installed: b.Installed, Purchased: purchased(b.Installed, b.Overdraft),
		}
		if b.Peak.Known {
			p.Max = license.Of(b.Peak.Value)
		} else {
			_, knowable := b.Peak.Coverage.Share()
			p.Mean, p.Outside = math.NaN(), !knowable
		}
		all[i] = p
	}
	return all
}
