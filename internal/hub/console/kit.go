package console

import (
	"html/template"
	"net/http"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A kitPage shows every part of pages in every state, made from figures that
// are made up. Whoever changes the design looks at it first.
type kitPage struct {
	Swatches []string
	Tones    []kitTone
	Fields   []look.Field
	Words    []string
	Code     string
	Trust    trustView
	Cards    []cardView
	Bars     []kitBar
	Trends   []template.HTML
	Strip    template.HTML
	Servers  serversPage
	Times    []factView
	Numbers  []factView
}

type kitTone struct {
	Tone look.Tone
	Word string
}

type kitBar struct {
	Name string
	Bar  template.HTML
}

func (c *Console) getKit(w http.ResponseWriter, r *http.Request, v visit) error {
	return show(c, w, r, v, look.Shell{
		Title: "Kit",
		Notes: []look.Note{
			{Tone: look.Good, Text: "A note about something that went well."},
			{Tone: look.Bad, Text: "A note about something that did not."},
		},
	}, c.pages.kit, http.StatusOK, newKitPage(v.clock))
}

func newKitPage(clock look.Clock) kitPage {
	o := sampleOverview(clock)
	p := kitPage{
		Swatches: []string{"bg", "surface", "sunken", "line", "ink", "ink-2", "ink-3", "accent", "accent-soft", "bad", "warn", "good", "mute"},
		Tones:    []kitTone{{look.Bad, "Over"}, {look.Warn, "Tight"}, {look.Good, "Fine"}, {look.Info, "New"}, {look.Mute, "Unknown"}},
		Words:    sampleReview(clock.Now).Words, Code: "K7QMP-3XW9B",
		Trust: newTrust(clock, o.Trust), Cards: newUsagePage(clock, o, "").Cards, Bars: kitBars(), Servers: newServersPage(clock, usage.DefaultThresholds, sampleServers(clock.Now), nil, false, account.Operator),
		Fields: []look.Field{
			{Name: "kit-text", Label: "A text", Hint: "What it is for."},
			{Name: "kit-wrong", Label: "A wrong one", Type: "email", Value: "nobody", Error: "This is not an e-mail address."},
			{Name: "kit-optional", Label: "Another", Optional: true, Value: "with a value"},
			{Name: "kit-code", Label: "A code", Mono: true, Value: "K7QMP-3XW9B"},
		},
		Times:   kitTimes(clock),
		Numbers: kitNumbers(),
	}
	for i, days := range []int{31, 90, 400} {
		d := sampleDetails(clock, days)
		t := look.Trend{
			ID: "trend-" + string(rune('a'+i)), Title: "Trend over " + look.Plural(days, "day", "days"), Use: "In use", Step: look.Days,
			Clock: clock, Points: points(d.Trend), PeakAt: time.Unix(d.Peak.At, 0), Peak: d.Peak.Value,
		}
		p.Trends = append(p.Trends, t.HTML())
		if days == 90 {
			p.Strip = look.Strip(covers(clock, usage.ByDay, d.Trend), "Coverage per day")
		}
	}
	return p
}

func kitBars() []kitBar {
	bar := func(name string, use, reserved, installed, bought license.Count, over bool) kitBar {
		return kitBar{name, look.Bar{InUse: use, Reserved: reserved, Installed: installed, Purchased: bought, Over: over, Label: name}.HTML()}
	}
	none := license.Count{}
	return []kitBar{
		bar("Free", license.Of(120), none, license.Of(400), license.Of(400), false),
		bar("With reservations", license.Of(220), license.Of(60), license.Of(400), license.Of(400), false),
		bar("With overdraft", license.Of(300), none, license.Of(440), license.Of(400), false),
		bar("Overdraft used", license.Of(425), none, license.Of(440), license.Of(400), true),
		bar("More than installed", license.Of(460), none, license.Of(440), license.Of(400), true),
		bar("Nothing in use", license.Of(0), none, license.Of(50), none, false),
		bar("Unknown", none, none, license.Of(50), none, false),
	}
}

func kitTimes(clock look.Clock) []factView {
	ago := func(d time.Duration) time.Time { return clock.Now.Add(-d) }
	return []factView{
		{Name: "Instant", Value: clock.Time(ago(90 * time.Minute))},
		{Name: "Day", Value: clock.Day(ago(50 * 24 * time.Hour))},
		{Name: "Age", Value: clock.Age(ago(3 * time.Minute))},
		{Name: "Older", Value: clock.Age(ago(80 * time.Hour))},
		{Name: "To come", Value: clock.Age(ago(-9 * time.Minute))},
		{Name: "Never", Value: clock.Age(time.Time{})},
	}
}

func kitNumbers() []factView {
	return []factView{
		{Name: "Number", Value: template.HTML(look.Number(1560001))},
		{Name: "Mean", Value: template.HTML(look.Decimal(1234.56))},
		{Name: "Share", Value: template.HTML(look.Percent(8.44))},
		{Name: "Below zero", Value: template.HTML(look.Percent(-2.2))},
		{Name: "Not known", Value: look.Count(license.Count{}, "The source does not tell.")},
		{Name: "Does not apply", Value: look.None("no limit")},
	}
}
