package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"headroom/internal/agent"
	"headroom/internal/agent/collect"
	"headroom/internal/format/text"
	"headroom/internal/license"
	"headroom/internal/report"
)

type importCmd struct {
	agentFlags
	Server   string   `placeholder:"NAME" help:"The license server whose past it is, as the configuration names it. Needed where it names several."`
	Paths    []string `arg:"" name:"path" help:"Logs, saved statuses, a dump of phpLicenseWatcher's database, tables of Citrix's Historical Use; packed by gzip or not. Of a folder, all files."`
	As       string   `help:"Read every file as this format instead of finding out: flexnet-log, rlm-report-log, rlm-log, mathlm-log, sentinel-log, flexnet-status, phplicensewatcher, citrix-history."`
	TZ       string   `help:"Zone of the times in the files (default: the license server's in the configuration, else the machine's; of logs of MathLM, UTC)." placeholder:"ZONE"`
	CodePage string   `help:"Code page of text that is not UTF-8 (default: the license server's in the configuration, else windows-1252)." placeholder:"NAME"`
	Host     string   `help:"Which license server is meant, where a saved status tells of several."`
	Watched  string   `placeholder:"NAME" help:"Which license server is meant, where a database has watched several."`
	Feature  string   `placeholder:"NAME" help:"Which feature a table of past use is about, where it names no product."`
	Again    bool     `help:"Take what was taken before once more, such as after its usage was deleted at the hub."`
}

// Help is what --help says below the summary.
func (*importCmd) Help() string {
	return "Brings the past of a license server to the hub, by its agent, as history that is marked as imported. Several files of one log are " +
		"one history in any order. Importing again changes nothing, and goes on where it was interrupted. What was read live stays as it is."
}

// Run imports.
func (c *importCmd) Run(ctx context.Context, std streams) (err error) {
	config, options, err := c.load(std)
	if err != nil {
		return err
	}
	server, err := c.server(config)
	if err != nil {
		return err
	}
	past, err := c.options(server)
	if err != nil {
		return err
	}
	files, done, err := openPast(c.Paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	what, err := collect.OpenPast(files, past)
	if err != nil {
		return err
	}
	for _, f := range what.Files {
		if f.Skipped != "" {
			fmt.Fprintf(std.err, "%s is left out: %s.\n", report.Plain(f.Path), f.Skipped)
		}
	}
	control, leave, err := agent.Connect(ctx, config, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	return c.bring(ctx, std, control, server.Name, what)
}

// server is the configured license server that is meant.
func (c *importCmd) server(config agent.Config) (agent.ServerConfig, error) {
	if c.Server == "" && len(config.Servers) == 1 {
		return config.Servers[0], nil
	}
	i := slices.IndexFunc(config.Servers, func(s agent.ServerConfig) bool { return license.FoldName(s.Name) == license.FoldName(c.Server) })
	if i < 0 {
		return agent.ServerConfig{}, fmt.Errorf("--server %q: say which license server of %s it is", c.Server, c.Config)
	}
	return config.Servers[i], nil
}

// options say how to read: as the license server itself is read, unless a flag
// says something else.
func (c *importCmd) options(s agent.ServerConfig) (collect.PastOptions, error) {
	o := collect.PastOptions{CodePage: s.CodePage, As: c.As, Host: s.Host, Watched: c.Watched, Feature: c.Feature}
	zone := s.Zone
	if c.TZ != "" {
		zone = c.TZ
	}
	if zone != "" {
		var err error
		if o.Zone, err = time.LoadLocation(zone); err != nil {
			return o, fmt.Errorf("--tz %s: no such time zone; use a name such as Europe/Berlin or UTC", zone)
		}
	}
	if c.CodePage != "" {
		o.CodePage = c.CodePage
	}
	if c.Host != "" {
		o.Host = c.Host
	}
	return o, nil
}

// bring hands what the files tell to the agent.
func (c *importCmd) bring(ctx context.Context, std streams, control agent.Control, server string, what *collect.Past) (err error) {
	show := newImportProgress(std.err, what.Size())
	defer func() { err = errors.Join(err, show.end()) }()
	taken, before := 0, 0
	var first, last time.Time
	for portion, err := range what.Portions(ctx) {
		if err != nil {
			return err
		}
		parts, err := agent.NewPast(server, version, portion, c.Again)
		if err != nil {
			return err
		}
		for _, part := range parts {
			new, err := control.TakePast(ctx, part)
			switch {
			case err != nil:
				return err
			case new:
				taken++
			default:
				before++
			}
		}
		if first.IsZero() || portion.Day.Before(first) {
			first = portion.Day
		}
		if at := portion.Newest(); at.After(last) {
			last = at
		}
		show.at(portion.Read)
	}
	if taken+before == 0 {
		return errors.New("nothing of the past is in these files")
	}
	fmt.Fprintf(std.out, "The past of %s from %s to %s: %d parts taken, %d were there before. They go to the hub with the next upload.\n",
		report.Plain(server), first.Format(time.DateOnly), last.Local().Format("2006-01-02 15:04"), taken, before)
	return nil
}

// openPast finds files, and all files of folders in the order of their names.
// There may be many: each is opened while it is read. Packed ones are unpacked
// into files that done removes again.
func openPast(paths []string) (files []text.File, done func() error, err error) {
	var unpacked []string
	done = func() error {
		var all []error
		for _, name := range unpacked {
			all = append(all, os.Remove(name))
		}
		return errors.Join(all...)
	}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			file, temporary, err := openPastFile(name)
			if temporary != "" {
				unpacked = append(unpacked, temporary)
			}
			if err == nil {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
	}
	return files, done, nil
}

// openPastFile looks at a file. temporary names the file with its content, if it
// was packed.
func openPastFile(name string) (file text.File, temporary string, err error) {
	f, info, err := openFile(name)
	if err != nil {
		return text.File{}, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	file = text.File{Path: name, Size: info.Size(), Data: onDisk(name), Changed: info.ModTime()}
	magic := make([]byte, 2)
	if n, err := f.ReadAt(magic, 0); err != nil || n != 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return file, "", nil
	}
	if temporary, file.Size, err = unpack(f); err != nil {
		return text.File{}, "", fmt.Errorf("%s: %w", name, err)
	}
	file.Data = onDisk(temporary)
	return file, temporary, nil
}

// onDisk is a file that is open only while it is read.
type onDisk string

// ReadAt reads from the file.
func (name onDisk) ReadAt(p []byte, off int64) (n int, err error) {
	f, err := os.Open(string(name))
	if err != nil {
		return 0, err
	}
	n, err = f.ReadAt(p, off)
	if cerr := f.Close(); cerr != nil {
		err = cerr
	}
	return n, err
}

// unpack writes what gzip has packed into a file that only its owner may read.
func unpack(packed io.Reader) (name string, size int64, err error) {
	z, err := gzip.NewReader(packed)
	if err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp("", "headroom-import-*")
	if err != nil {
		return "", 0, err
	}
	size, err = io.Copy(f, z)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", 0, errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), size, nil
}

// An importProgress shows how much was read: a bar on a terminal, nothing
// elsewhere.
type importProgress struct {
	bar *progressbar.ProgressBar
	now int64
}

func newImportProgress(out io.Writer, size int64) *importProgress {
	p := &importProgress{}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true), progressbar.OptionSetDescription("Reading"))
	}
	return p
}

// at shows that so many bytes were read.
func (p *importProgress) at(read int64) {
	if p.bar != nil && read > p.now {
		_ = p.bar.Add64(read - p.now) // the terminal's loss
		p.now = read
	}
}

func (p *importProgress) end() error {
	if p.bar == nil {
		return nil
	}
	return p.bar.Exit()
}
