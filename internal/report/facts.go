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

// A Fact is what one line of a file was understood to say.
type Fact struct {
	Line     int     `json:"line"`
	Kind     string  `json:"kind"` // "feature", "checkout", "out" ...; "unread" for a line that no rule understood
	At       Instant `json:"at"`
	Daemon   string  `json:"daemon,omitempty"`
	Feature  string  `json:"feature,omitempty"`
	User     string  `json:"user,omitempty"`
	Host     string  `json:"host,omitempty"`
	Licenses int64   `json:"licenses,omitempty"`
	Text     string  `json:"text,omitempty"` // the rest, for people; of an unread line its own text
}

// Read says what one file says. Each fact is handed to the function that it
// is given, in order of lines within each part of a status and of a log; a
// log's unread lines come last. Memory does not grow with a log.
func Read(s Source, o Options, each func(Fact) error) (File, error) {
	in := &input{Source: s, file: File{Path: s.Path, Warnings: []string{}}}
	if err := in.detect(o.As); err != nil {
		return File{}, err
	}
	read := map[format.Format]func(*input, Options, func(Fact) error) error{
		format.FlexNetStatus: statusFacts,
		format.FlexNetTerms:  termFacts,
		format.FlexNetLog:    logFacts,
		format.LicenseFile:   licenseFacts,

		format.CitrixAnswers: citrixAnswerFacts,
		format.CitrixPrinted: citrixPrintedFacts,
		format.CitrixUsers:   citrixUserFacts,
		format.CitrixHistory: citrixHistoryFacts,
	}[in.format]
	if read == nil {
		return in.file, nil
	}
	if err := read(in, o, each); err != nil {
		return File{}, fmt.Errorf("%s: %w", s.Path, err)
	}
	return in.file, nil
}

func statusFacts(in *input, o Options, each func(Fact) error) error {
	status, err := flexnet.ParseStatus(in.reader(), flexnet.StatusOptions{Zone: o.Zone, CodePage: o.CodePage})
	if err != nil {
		return err
	}
	in.status(status, o)
	for _, s := range status.Sections {
		for _, f := range s.Features {
			if err := featureFacts(f, o, each); err != nil {
				return err
			}
		}
	}
	return unreadFacts(status.Unread, each)
}

func featureFacts(f flexnet.Feature, o Options, each func(Fact) error) error {
	text := f.State.String()
	if f.State == license.StateCounted || f.State == license.StateUnlimited {
		text = fmt.Sprintf("%s, installed %s, in use %s", text, f.Installed, f.InUse)
	}
	if f.Error != "" {
		text += ": " + f.Error
	}
	if err := each(Fact{Line: f.Line, Kind: "feature", Daemon: f.Daemon, Feature: f.Name, Text: text}); err != nil {
		return err
	}
	for _, co := range f.Checkouts {
		fact := Fact{
			Line: co.Line, Kind: string(co.Kind), At: o.instant(co.Start), Daemon: f.Daemon, Feature: f.Name,
			User: co.User, Host: co.Host, Licenses: co.Licenses, Text: checkoutText(co),
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
	if co.Display != "" {
		say("display %s", co.Display)
	}
	if co.Extra != "" {
		say("extra %s", co.Extra)
	}
	if co.Version != "" {
		say("version %s", co.Version)
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
		if err := each(Fact{Line: s.Line, Kind: "server", Host: s.Host, Text: fmt.Sprintf("host id %s, port %d", s.HostID, s.Port)}); err != nil {
			return err
		}
	}
	for _, v := range f.Vendors {
		if err := each(Fact{Line: v.Line, Kind: "vendor", Daemon: v.Name, Text: v.Path}); err != nil {
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

func logFacts(in *input, o Options, each func(Fact) error) error {
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
			User: e.User, Host: e.Host, Text: strings.TrimSpace(e.Extra + " " + e.Reason),
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

func unreadFacts(unread []facts.Unread, each func(Fact) error) error {
	for _, u := range unread {
		if err := each(Fact{Line: u.Line, Kind: "unread", Text: u.Text}); err != nil {
			return err
		}
	}
	return nil
}
