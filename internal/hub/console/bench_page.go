package console

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/look"
	"headroom/internal/report"
)

// The parser bench shows what is understood of a text that somebody hands in.
// Nothing of it is kept: a text that came as a file goes back into the page, so
// that its next part can be asked for.

// maxBench is the largest text that the bench reads. In a form it can be larger:
// a kept file is written in letters.
const (
	maxBench     = 4 << 20
	maxBenchForm = 2*maxBench + maxForm
)

// benchEffort is how much is read, at most, to redact a text: a few seconds, for
// somebody who means no good.
const benchEffort = 64 << 20

// benchLines is how many lines a page of them has, and benchRows how many rows a
// table of facts.
const (
	benchLines = 100
	benchRows  = 500
)

// A benchInput is a text and how it is to be read.
type benchInput struct {
	text   []byte
	file   string // what the file was called; empty if the text was pasted
	format string // empty: found out
	zone   string
	view   string
	page   int // of lines, from 1
}

// The views of a result: its facts, or its lines.
const (
	viewFacts    = "facts"
	viewAll      = "all"
	viewUnread   = "unread"
	viewRedacted = "redacted"
)

// A benchPage is the form and what was made of the text.
type benchPage struct {
	Error   string
	Text    string // as pasted
	File    string
	Kept    string // a file's bytes, in base64
	Formats []benchFormat
	Zone    look.Field
	Result  *benchResult
}

// A benchFormat is one that can be asked for.
type benchFormat struct {
	Name, Label string
	Chosen      bool
}

// A benchResult is what was understood.
type benchResult struct {
	Format   string
	Known    bool
	Facts    []benchFact
	Warnings []string
	Views    []benchView
	View     string
	Tables   []benchTable
	Lines    []benchLine
	Shown    string // "1 to 200 of 3 412"
	Back, On string // views of the pages before and after; empty if there is none
	Refusal  string // why there is no redacted text
	HasKeys  bool   // in it
}

type benchFact struct {
	Name  string
	Value template.HTML
}

// A benchView is a view, as a button of the form.
type benchView struct {
	Label, Value string
	Count        string
	Current      bool
}

// A benchLine is a line and what it was understood to say.
type benchLine struct {
	Number int
	Text   string
	State  template.HTML
	Says   []string
}

func (c *Console) getBench(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showBench(w, r, v, http.StatusOK, newBenchPage(benchInput{zone: v.clock.Zone.String()}))
}

func (c *Console) showBench(w http.ResponseWriter, r *http.Request, v visit, status int, p benchPage) error {
	return show(c, w, r, v, look.Shell{Title: "Parser bench", Section: "servers"}, c.pages.bench, status, p)
}

func (c *Console) postBench(w http.ResponseWriter, r *http.Request, v visit) error {
	in, err := readBench(r)
	p := newBenchPage(in)
	if err == nil {
		p.Result, err = newBenchResult(v.clock.Now, in)
	}
	switch {
	case fault.KindOf(err) == fault.Invalid:
		p.Error = look.Sentence(fault.Message(err))
		return c.showBench(w, r, v, http.StatusUnprocessableEntity, p)
	case err != nil:
		return err
	}
	return c.showBench(w, r, v, http.StatusOK, p)
}

// postBenchRedacted sends the text without names as a file.
func (c *Console) postBenchRedacted(w http.ResponseWriter, r *http.Request, v visit) error {
	in, err := readBench(r)
	if err != nil {
		return err
	}
	o, err := in.options()
	if err != nil {
		return err
	}
	text, err := report.NewRedactor(benchEffort).Redact(in.source(v.clock.Now), o)
	if err != nil {
		return fault.Errorf(fault.Invalid, "%s", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="redacted.txt"`)
	_, err = w.Write(text)
	return err
}

// readBench reads the form: the file if there is one, else what was pasted, else
// the file that the page has kept.
func readBench(r *http.Request) (benchInput, error) {
	in := benchInput{format: r.PostFormValue("format"), zone: r.PostFormValue("zone"), view: viewFacts, page: 1}
	if view, page, ok := strings.Cut(r.PostFormValue("view"), ":"); ok {
		in.view = view
		if n, err := strconv.Atoi(page); err == nil && n > 0 && n <= maxBench {
			in.page = n
		}
	}
	if err := in.read(r); err != nil {
		return in, err
	}
	switch {
	case len(in.text) > maxBench:
		return benchInput{format: in.format, zone: in.zone}, fault.Errorf(fault.Invalid,
			"the text has more than %d MiB; headroom read on the command line takes any size", maxBench>>20)
	case len(in.text) == 0:
		return in, fault.Errorf(fault.Invalid, "paste some text, or choose a file")
	}
	return in, nil
}

func (in *benchInput) read(r *http.Request) error {
	file, head, err := r.FormFile("file")
	if err == nil && head.Size > 0 {
		in.file = head.Filename
		in.text, err = io.ReadAll(io.LimitReader(file, maxBench+1))
		return errors.Join(err, file.Close())
	}
	if text := r.PostFormValue("text"); text != "" {
		in.text = []byte(text)
		return nil
	}
	in.file = r.PostFormValue("kept-name")
	if in.text, err = base64.StdEncoding.DecodeString(r.PostFormValue("kept")); err != nil {
		return fault.Errorf(fault.Invalid, "the file was not kept whole; choose it again")
	}
	return nil
}

func (in benchInput) options() (report.Options, error) {
	o := report.Options{As: in.format}
	zone, err := time.LoadLocation(in.zone)
	if err != nil || in.zone == "Local" {
		return o, fault.Errorf(fault.Invalid, "there is no time zone %q; write one such as Europe/Berlin or UTC", in.zone)
	}
	o.Zone = zone
	return o, nil
}

func (in benchInput) source(at time.Time) report.Source {
	return report.Source{Path: "text", Size: int64(len(in.text)), Data: bytes.NewReader(in.text), At: at}
}

func newBenchPage(in benchInput) benchPage {
	p := benchPage{
		File:    in.file,
		Formats: []benchFormat{{Label: "Find out", Chosen: in.format == ""}},
		Zone: look.Field{
			Name: "zone", Label: "Time zone", Value: in.zone, Max: 64, Complete: "off", Zone: true,
			Hint: "Of times that tell none, and of the times shown.",
		},
	}
	if in.file != "" {
		p.Kept = base64.StdEncoding.EncodeToString(in.text)
	} else {
		p.Text = strings.ToValidUTF8(string(in.text), "\uFFFD")
	}
	for _, name := range report.Formats() {
		p.Formats = append(p.Formats, benchFormat{Name: name, Label: name, Chosen: name == in.format})
	}
	return p
}

// newBenchResult reads the text. What is wrong with how it is to be read is a
// fault.Invalid.
func newBenchResult(now time.Time, in benchInput) (*benchResult, error) {
	o, err := in.options()
	if err != nil {
		return nil, err
	}
	r, err := report.Make([]report.Source{in.source(now)}, o)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "%s", strings.TrimPrefix(err.Error(), "text: "))
	}
	clock := look.Clock{Now: now, Zone: o.Zone}
	file := r.Files[0]
	res := &benchResult{
		Format: file.Format, Known: file.Format != report.UnknownFormat, Warnings: file.Warnings,
		Facts: benchFacts(clock, file), View: in.view,
	}
	if !res.Known {
		res.Warnings = []string{"Its first lines are of no format that is read. If you know which it is, choose it above."}
	}
	res.views(in, file)
	switch in.view {
	case viewRedacted:
		err = res.redact(now, in, o)
	case viewAll, viewUnread:
		err = res.lines(in.source(now), in, o)
	default:
		res.Tables = benchTables(clock, r)
	}
	return res, err
}

func benchFacts(clock look.Clock, f report.File) []benchFact {
	facts := []benchFact{
		{"Lines", template.HTML(look.Number(int64(f.Lines)))},
		{"Not read", template.HTML(look.Number(int64(f.Unread)))},
	}
	switch {
	case f.First.IsZero():
	case f.First == f.Last:
		facts = append(facts, benchFact{"Told at", clock.Time(f.First.Time)})
	default:
		facts = append(facts, benchFact{"From", clock.Time(f.First.Time)}, benchFact{"To", clock.Time(f.Last.Time)})
	}
	return facts
}

// redact shows the text without names, read once more.
func (res *benchResult) redact(now time.Time, in benchInput, o report.Options) error {
	text, err := report.NewRedactor(benchEffort).Redact(in.source(now), o)
	if err != nil {
		res.Refusal = look.Sentence(strings.TrimPrefix(err.Error(), "text: "))
		return nil
	}
	res.HasKeys = report.HasKeys(text)
	in.text = text
	return res.lines(in.source(now), in, o)
}

// lines takes a page of the lines that are to be shown.
func (res *benchResult) lines(s report.Source, in benchInput, o report.Options) error {
	first, total := (in.page-1)*benchLines, 0
	_, err := report.Lines(s, o, func(l report.Line) error {
		if l.Number == 0 || in.view == viewUnread && l.State != report.LineUnread {
			return nil
		}
		if total >= first && len(res.Lines) < benchLines {
			res.Lines = append(res.Lines, newBenchLine(l))
		}
		total++
		return nil
	})
	if len(res.Lines) > 0 {
		res.Shown = fmt.Sprintf("%s to %s of %s", look.Number(int64(first+1)), look.Number(int64(first+len(res.Lines))), look.Number(int64(total)))
	}
	if in.page > 1 {
		res.Back = viewValue(in.view, in.page-1)
	}
	if first+benchLines < total {
		res.On = viewValue(in.view, in.page+1)
	}
	return err
}

// viewValue is a page of a view as the form sends it.
func viewValue(view string, page int) string { return view + ":" + strconv.Itoa(page) }

func (res *benchResult) views(in benchInput, f report.File) {
	for _, v := range []benchView{
		{Label: "Facts", Value: viewFacts},
		{Label: "All lines", Value: viewAll, Count: look.Number(int64(f.Lines))},
		{Label: "Not read", Value: viewUnread, Count: look.Number(int64(f.Unread))},
		{Label: "Redacted", Value: viewRedacted},
	} {
		v.Current = v.Value == in.view
		v.Value = viewValue(v.Value, 1)
		res.Views = append(res.Views, v)
	}
}

// lineStates are the states of a line as they are shown.
var lineStates = map[report.LineState]template.HTML{
	report.LineRead:   look.Status(look.Good, "read"),
	report.LineUnread: look.Status(look.Bad, "not read"),
	report.LineUnsure: look.Status(look.Warn, "not known"),
	report.LineBlank:  look.Status(look.Mute, "blank"),
}

// maxBenchLine is how much of a line is shown.
const maxBenchLine = 2000

func newBenchLine(l report.Line) benchLine {
	text := []rune(l.Text)
	if len(text) > maxBenchLine {
		text = append(text[:maxBenchLine:maxBenchLine], '…')
	}
	out := benchLine{Number: l.Number, Text: report.Plain(string(text)), State: lineStates[l.State]}
	for _, f := range l.Facts {
		out.Says = append(out.Says, factText(f))
	}
	return out
}

// factText is a fact in a line of words.
func factText(f report.Fact) string {
	parts := []string{f.Kind}
	if !f.At.IsZero() {
		parts = append(parts, f.At.String())
	}
	if f.Licenses != 0 {
		parts = append(parts, look.Number(f.Licenses)+" ×")
	}
	for _, s := range []string{f.Feature, f.Daemon} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	switch {
	case f.User != "" && f.Host != "":
		parts = append(parts, f.User+"@"+f.Host)
	case f.User+f.Host != "":
		parts = append(parts, f.User+f.Host)
	}
	text := strings.Join(parts, " ")
	if says := f.Says(); says != "" {
		text += ": " + says
	}
	return report.Plain(text)
}
