package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"headroom/internal/format"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A Fact is what a file was understood to say. Text is in our words and has no
// names of people and machines in it; Said is in the file's own.
type Fact struct {
	Line     int     `json:"line"` // 0 where the fact is not of one line
	Kind     string  `json:"kind"` // "feature", "checkout", "out" ...; "unread" for a line that no rule understood
	At       Instant `json:"at"`
	Daemon   string  `json:"daemon,omitempty"`
	Feature  string  `json:"feature,omitempty"` // with its variant, as license.Pool shows it
	User     string  `json:"user,omitempty"`
	Host     string  `json:"host,omitempty"`
	Display  string  `json:"display,omitempty"`
	Licenses int64   `json:"licenses,omitempty"`
	Text     string  `json:"text,omitempty"`
	Said     string  `json:"said,omitempty"` // an error, a reason, data of the vendor; of an unread line its own text
}

// Says is all that there is to say for people.
func (f Fact) Says() string {
	display := f.Display
	if display != "" {
		display = "display " + display
	}
	return joined(display, f.Text, f.Said)
}

// kindUnread is the kind of a line that no rule understood.
const kindUnread = "unread"

// Read says what one file says. Each fact is handed to the function that it is
// given. Facts of an lmstat output have lines and come in their order within
// each part; those of other statuses have none, since a fact may be put together
// of several. A log's come in the order of its lines. Unread lines come last.
// Memory does not grow with a log.
func Read(s Source, o Options, each func(Fact) error) (File, error) {
	in := &input{Source: s, file: File{Path: s.Path, Warnings: []string{}}}
	if err := in.detect(o.As); err != nil {
		return File{}, err
	}
	if err := in.readFacts(o, each); err != nil {
		return File{}, fmt.Errorf("%s: %w", s.Path, err)
	}
	return in.file, nil
}

func (in *input) readFacts(o Options, each func(Fact) error) error {
	read := map[format.Format]func(*input, Options, func(Fact) error) error{
		format.FlexNetStatus: lmstatFacts,
		format.FlexNetTerms:  termFacts,
		format.FlexNetLog:    debugLogFacts,
		format.LicenseFile:   licenseFacts,
		format.GenericStatus: documentFacts,

		format.CitrixAnswers: citrixAnswerFacts,
		format.CitrixPrinted: citrixPrintedFacts,
		format.CitrixUsers:   citrixUserFacts,
		format.CitrixHistory: citrixHistoryFacts,
	}[in.format]
	switch lf, isLog := logFormats[in.format]; {
	case read != nil:
		return read(in, o, each)
	case isLog:
		return logFacts(in, lf, o, each)
	case statusParsers[in.format] != nil:
		out, err := in.output(o)
		if err != nil {
			return err
		}
		return outputFacts(out, o, each)
	}
	return nil
}

// lmstatFacts are those of an lmstat output, by its lines.
func lmstatFacts(in *input, o Options, each func(Fact) error) error {
	status, err := flexnet.ParseStatus(in.reader(), flexnet.StatusOptions{Zone: o.Zone, CodePage: o.CodePage})
	if err != nil {
		return err
	}
	out := flexnetOutput(status)
	in.status(out, o)
	in.doubts(status)
	if err := hostFacts(out, o, each); err != nil {
		return err
	}
	for _, s := range status.Sections {
		for _, f := range s.Features {
			if err := featureFacts(f, o, each); err != nil {
				return err
			}
		}
	}
	return unreadFacts(out.Unread.First, each)
}

func featureFacts(f flexnet.Feature, o Options, each func(Fact) error) error {
	text := f.State.String()
	if f.State == license.StateCounted || f.State == license.StateUnlimited {
		text = fmt.Sprintf("%s, installed %s, in use %s", text, f.Installed, f.InUse)
	}
	if err := each(Fact{Line: f.Line, Kind: "feature", Daemon: f.Daemon, Feature: f.Name, Text: text, Said: f.Error}); err != nil {
		return err
	}
	for _, p := range f.Pools {
		text := fmt.Sprintf("version %s, expires %s", p.Version, p.Expiry)
		if err := each(Fact{Kind: "term", Daemon: p.Vendor, Feature: f.Name, Text: text, Said: joined(p.Kind, p.VendorString)}); err != nil {
			return err
		}
	}
	for _, co := range f.Checkouts {
		fact := Fact{
			Line: co.Line, Kind: string(co.Kind), At: o.instant(co.Start), Daemon: f.Daemon, Feature: f.Name,
			User: co.User, Host: co.Host, Display: co.Display, Licenses: co.Licenses, Text: checkoutText(co), Said: co.Extra,
		}
		if err := each(fact); err != nil {
			return err
		}
	}
	return nil
}

func checkoutText(co flexnet.Checkout) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if co.Version != "" {
		say("version %s", co.Version)
	}
	if co.Handle != "" {
		say("handle %s", co.Handle)
	}
	if co.Linger > 0 {
		say("kept for %s", co.Linger)
	}
	if co.Remaining > 0 {
		say("%s left", co.Remaining)
	}
	if co.PID != 0 {
		say("PID %d", co.PID)
	}
	if co.Guessed {
		say("names divided by guess")
	}
	if co.DateOdd {
		say("the weekday fits no year")
	}
	return strings.Join(parts, ", ")
}

func termFacts(in *input, o Options, each func(Fact) error) error {
	terms, err := flexnet.ParseTerms(in.reader(), o.CodePage)
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = terms.Lines, terms.UnreadTotal
	if terms.Error != "" {
		in.warn("%s", terms.Error)
	}
	for _, t := range terms.Rows {
		text := fmt.Sprintf("version %s, %s, expires %s", t.Version, t.State, t.Expires)
		if err := each(Fact{Line: t.Line, Kind: "term", Daemon: t.Vendor, Feature: t.Feature, Licenses: t.Count.N, Text: text}); err != nil {
			return err
		}
	}
	return unreadFacts(terms.Unread, each)
}

func licenseFacts(in *input, o Options, each func(Fact) error) error {
	f, err := flexnet.ParseLicenseFile(in.reader(), o.CodePage)
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = f.Lines, f.UnreadTotal
	for _, s := range f.Servers {
		fact := Fact{Line: s.Line, Kind: "server", Host: s.Host, Text: fmt.Sprintf("port %d", s.Port), Said: "host id " + s.HostID}
		if err := each(fact); err != nil {
			return err
		}
	}
	for _, v := range f.Vendors {
		if err := each(Fact{Line: v.Line, Kind: "vendor", Daemon: v.Name, Said: v.Path}); err != nil {
			return err
		}
	}
	for _, e := range f.Entries {
		text := fmt.Sprintf("version %s, %s, expires %s", e.Version, e.State, e.Expiry)
		fact := Fact{Line: e.Line, Kind: strings.ToLower(string(e.Kind)), Daemon: e.Vendor, Feature: e.Name, Licenses: e.Count.N, Text: text}
		if err := each(fact); err != nil {
			return err
		}
	}
	return unreadFacts(f.Unread, each)
}

func debugLogFacts(in *input, o Options, each func(Fact) error) error {
	codePage, err := encodingOf(o.CodePage)
	if err != nil {
		return err
	}
	r := flexnet.NewLogReader(in.reader(), flexnet.LogOptions{Zone: o.Zone, CodePage: codePage})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		fact := Fact{
			Line: e.Line, Kind: e.Kind.String(), At: o.instant(e.At), Daemon: e.Daemon, Feature: e.Feature,
			User: e.User, Host: e.Host, Said: joined(e.Extra, e.Reason),
		}
		if e.Kind <= flexnet.LogDequeued {
			fact.Licenses = e.Licenses
		}
		if err := each(fact); err != nil {
			return err
		}
	}
	f := r.File()
	in.log(f, o)
	return unreadFacts(f.Unread, each)
}

// logFacts are those of every other log.
func logFacts(in *input, lf logFormat, o Options, each func(Fact) error) error {
	var failed error
	log, err := in.each(lf, o, func(e facts.Event) {
		in.spans(o.instant(e.At))
		if failed == nil {
			failed = each(eventFact(e, o))
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = log.Lines(), log.Unread().Total
	return unreadFacts(log.Unread().First, each)
}

func eventFact(e facts.Event, o Options) Fact {
	f := Fact{
		Line: e.Line, Kind: e.Kind.String(), At: o.instant(e.At), Daemon: daemonOf(e), Feature: featureOf(e.Pool),
		User: e.User, Host: e.Host, Licenses: e.Licenses, Said: e.Reason,
	}
	var parts []string
	for _, n := range []struct {
		name  string
		count license.Count
	}{{"in use", e.InUse}, {"reserved", e.Reserved}, {"installed", e.Total}} {
		if n.count.Known {
			parts = append(parts, n.name+" "+n.count.String())
		}
	}
	if e.Handle != "" {
		parts = append(parts, "handle "+e.Handle)
	}
	if e.Again {
		parts = append(parts, "the client asks elsewhere")
	}
	f.Text = strings.Join(parts, ", ")
	return f
}

// joined puts together what there is.
func joined(parts ...string) string {
	var told []string
	for _, p := range parts {
		if p != "" {
			told = append(told, p)
		}
	}
	return strings.Join(told, ", ")
}

func unreadFacts(unread []facts.Unread, each func(Fact) error) error {
	for _, u := range unread {
		if err := each(Fact{Line: u.Line, Kind: kindUnread, Said: u.Text}); err != nil {
			return err
		}
	}
	return nil
}
