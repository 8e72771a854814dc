package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"headroom/internal/report"
)

// filesFlags are what read and report have in common.
type filesFlags struct {
	Files    []string `arg:"" name:"file" help:"Captures, debug logs, license files; - is standard input."`
	As       string   `help:"Read every file as this format, such as flexnet-log, instead of finding out; a name that does not exist lists them."`
	TZ       string   `help:"Zone of sources that tell none, and of the times shown, e.g. Europe/Berlin (default: the machine's)." placeholder:"ZONE"`
	CodePage string   `help:"Code page of text that is not UTF-8 (default: windows-1252)." placeholder:"NAME"`
}

func (f filesFlags) options() (report.Options, error) {
	zone := time.Local
	if f.TZ != "" {
		var err error
		if zone, err = time.LoadLocation(f.TZ); err != nil {
			return report.Options{}, fmt.Errorf("--tz %s: no such time zone; use a name such as Europe/Berlin or UTC", f.TZ)
		}
	}
	return report.Options{Zone: zone, CodePage: f.CodePage, As: f.As}, nil
}

// maxStdin bounds what is read from standard input: it has to be held in
// memory, since it can be read only once.
const maxStdin = 1 << 30

// open opens the files. Call done when they are not needed any more.
func (f filesFlags) open(stdin io.Reader) (sources []report.Source, done func() error, err error) {
	var opened []*os.File
	done = func() error {
		var all []error
		for _, file := range opened {
			all = append(all, file.Close())
		}
		return errors.Join(all...)
	}
	for _, path := range f.Files {
		if path == "-" {
			text, err := io.ReadAll(io.LimitReader(stdin, maxStdin+1))
			if err == nil && len(text) > maxStdin {
				err = errors.New("more than 1 GiB; save it to a file and name that")
			}
			if err != nil {
				return nil, nil, errors.Join(fmt.Errorf("standard input: %w", err), done())
			}
			sources = append(sources, report.Source{Path: path, Size: int64(len(text)), Data: bytes.NewReader(text), At: time.Now()})
			continue
		}
		file, info, err := openFile(path)
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		opened = append(opened, file)
		sources = append(sources, report.Source{Path: path, Size: info.Size(), Data: file, At: info.ModTime()})
	}
	return sources, done, nil
}

// with calls use with the opened files.
func (f filesFlags) with(std streams, use func([]report.Source, report.Options) error) (err error) {
	options, err := f.options()
	if err != nil {
		return err
	}
	sources, done, err := f.open(std.in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return use(sources, options)
}

func openFile(path string) (*os.File, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

type reportCmd struct {
	filesFlags
	JSON bool `xor:"form" help:"Write JSON (docs/format/report.md)."`
	CSV  bool `xor:"form" help:"Write CSV, a line per feature."`
}

// Help is what --help says below the summary.
func (*reportCmd) Help() string {
	return "Answers from files alone: per product and feature what is installed and in use, how high use went and when, denials, users. " +
		"Several files of one log are one history in any order, and the same bytes count once. Nothing is sent anywhere."
}

// Run writes the report.
func (c *reportCmd) Run(std streams) error {
	return c.with(std, func(sources []report.Source, o report.Options) error {
		r, err := report.Make(sources, o)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return writeJSON(std.out, r)
		case c.CSV:
			return r.WriteCSV(std.out)
		}
		return r.WriteTable(std.out)
	})
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

type readCmd struct {
	filesFlags
	Lines  bool   `short:"l" help:"Show every line: what it was understood to say, or that it was not understood."`
	JSON   bool   `help:"Write JSON (docs/format/report.md): one object per line, facts first, then the file."`
	Redact bool   `help:"Write the text itself, with made-up names in place of those of users, hosts and license servers."`
	Save   string `help:"Write the redacted text to this new file, as a fixture or to hand it on." placeholder:"FILE"`
}

// Help is what --help says below the summary.
func (*readCmd) Help() string {
	return "Shows what a capture, log or license file says and which lines no rule understood. If a line is read wrongly, " +
		"this is where to see it; --redact makes a text of it that can be shown to others and says the same."
}

// Validate refuses flags that do not go together.
func (c *readCmd) Validate() error {
	redacts := c.Redact || c.Save != ""
	switch {
	case redacts && (c.Lines || c.JSON):
		return errors.New("--redact and --save write the text, --lines and --json what it says: ask for one of them")
	case c.Save != "" && len(c.Files) != 1:
		return errors.New("--save takes one file to be redacted")
	}
	return nil
}

// Run reads the files one after the other.
func (c *readCmd) Run(std streams) error {
	return c.with(std, func(sources []report.Source, o report.Options) (err error) {
		names := report.NewRedactor(redactEffort)
		for _, s := range sources {
			switch {
			case c.Redact || c.Save != "":
				err = c.redact(std, names, s, o)
			case c.JSON:
				err = readJSON(std.out, s, o, c.Lines)
			default:
				err = readTable(std.out, s, o, c.Lines)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// redactEffort is how much is read, at most, to redact a text: seconds.
const redactEffort = 2 << 30

// redact writes the text without names. Nothing is written that is there already.
func (c *readCmd) redact(std streams, names *report.Redactor, s report.Source, o report.Options) (err error) {
	text, err := names.Redact(s, o)
	if err != nil {
		return err
	}
	if report.HasKeys(text) {
		fmt.Fprintf(std.err, "headroom: %s: license keys stay as they are; hand the text to nobody who must not have them\n", report.Plain(s.Path))
	}
	if c.Save == "" {
		_, err = std.out.Write(text)
		return err
	}
	f, err := os.OpenFile(c.Save, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// everyFact hands out what a file says; with lines, also of each other line that
// is not blank whether it was read.
func everyFact(s report.Source, o report.Options, lines bool, each func(report.Fact) error) (report.File, error) {
	if !lines {
		return report.Read(s, o, each)
	}
	return report.Lines(s, o, func(l report.Line) error {
		if len(l.Facts) == 0 && l.State != report.LineBlank {
			return each(report.Fact{Line: l.Number, Kind: string(l.State), Said: l.Text})
		}
		for _, f := range l.Facts {
			if err := each(f); err != nil {
				return err
			}
		}
		return nil
	})
}

func readJSON(w io.Writer, s report.Source, o report.Options, lines bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	file, err := everyFact(s, o, lines, func(f report.Fact) error { return enc.Encode(f) })
	if err != nil {
		return err
	}
	return enc.Encode(struct {
		File report.File `json:"file"`
	}{file})
}

// readTable writes what each line says, if asked for, then how many facts there
// are of each kind, and always the lines that were not understood.
func readTable(w io.Writer, s report.Source, o report.Options, lines bool) error {
	counts, kinds := map[string]int{}, []string{}
	var unread []report.Fact
	if lines {
		if _, err := fmt.Fprintf(w, factRow, "LINE", "KIND", "AT", "LICENSES", "DAEMON", "FEATURE", "USER", "HOST", "SAYS"); err != nil {
			return err
		}
	}
	file, err := everyFact(s, o, lines, func(f report.Fact) error {
		if f.Kind == string(report.LineUnread) {
			if len(unread) < maxUnread {
				unread = append(unread, f)
			}
		} else if counts[f.Kind]++; counts[f.Kind] == 1 {
			kinds = append(kinds, f.Kind)
		}
		if !lines {
			return nil
		}
		return writeFact(w, f)
	})
	if err != nil {
		return err
	}
	return readSummary(w, file, kinds, counts, unread)
}

// maxUnread is how many lines that were not understood a summary shows.
const maxUnread = 1000

// factRow has fixed columns: a log is shown while it is read, whatever its
// length.
const factRow = "%7s  %-11s  %-26s  %8s  %-10s  %-24s  %-16s  %-16s  %s\n"

func writeFact(w io.Writer, f report.Fact) error {
	line, at, licenses := "-", "-", "-"
	if f.Line != 0 {
		line = strconv.Itoa(f.Line)
	}
	if !f.At.IsZero() {
		at = f.At.String()
	}
	if f.Licenses != 0 {
		licenses = strconv.FormatInt(f.Licenses, 10)
	}
	_, err := fmt.Fprintf(w, factRow, line, f.Kind, at, licenses, report.Plain(f.Daemon), report.Plain(f.Feature),
		report.Plain(f.User), report.Plain(f.Host), report.Plain(f.Says()))
	return err
}

func readSummary(w io.Writer, file report.File, kinds []string, counts map[string]int, unread []report.Fact) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s, %d lines, %d not understood\n", report.Plain(file.Path), file.Format, file.Lines, file.Unread)
	if !file.First.IsZero() {
		fmt.Fprintf(&b, "  from %s to %s\n", file.First, file.Last)
	}
	for _, kind := range kinds {
		fmt.Fprintf(&b, "  %7d %s\n", counts[kind], kind)
	}
	for _, f := range unread {
		fmt.Fprintf(&b, "  line %d not understood: %s\n", f.Line, report.Plain(f.Said))
	}
	if more := file.Unread - len(unread); more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	for _, warning := range file.Warnings {
		fmt.Fprintf(&b, "  %s\n", report.Plain(warning))
	}
	_, err := w.Write(b.Bytes())
	return err
}
