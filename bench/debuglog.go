package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"headroom/internal/report"
)

// A debugLog is a FlexNet debug log that is made up: people take licenses of
// the few features that each of them uses and give them back, now and then
// somebody is refused, and the date is told four times a day.
type debugLog struct {
	Bytes    int64
	Seed     uint64
	Features int
	People   int
}

// usesOf is how many features a person uses.
const usesOf = 6

// write writes the log, about as long as it is to be, and returns how many
// events it has.
func (d *debugLog) write(to io.Writer) (events int, err error) {
	w := bufio.NewWriterSize(to, 1<<20)
	r := rand.New(rand.NewPCG(d.Seed, 18))
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	line := make([]byte, 0, 200)
	written := int64(0)
	put := func(format string, args ...any) {
		line = fmt.Appendf(append(line[:0], at.Format("15:04:05")...), format+"\n", args...)
		written += int64(len(line))
		_, _ = w.Write(line) // bufio keeps the error
	}
	put(" (lmgrd) FlexNet Licensing (v11.19.5.0 build 294278 x64_lsb) started on lic01.example.com (linux) (3/2/2026)")
	put(" (vendd) Server started on lic01.example.com for:\tcad")
	type checkout struct{ feature, person int }
	var open []checkout
	told := at
	for written < d.Bytes {
		at = at.Add(time.Duration(r.IntN(3)) * time.Second)
		if at.Sub(told) >= 6*time.Hour {
			told = at
			put(" (lmgrd) TIMESTAMP %d/%d/%d", at.Month(), at.Day(), at.Year())
		}
		events++
		person := r.IntN(d.People)
		switch c := (checkout{(person + r.IntN(usesOf)*7) % d.Features, person}); {
		case r.IntN(200) == 0:
			put(" (vendd) DENIED: \"feature_%02d\" user%04d@host%04d  (Licensed number of users already reached. (-4,342:10054 \"\"))", c.feature, c.person, c.person)
		case len(open) > d.People/2 || len(open) > 0 && r.IntN(2) == 0:
			i := r.IntN(len(open))
			c, open[i] = open[i], open[len(open)-1]
			open = open[:len(open)-1]
			put(" (vendd) IN: \"feature_%02d\" user%04d@host%04d  ", c.feature, c.person, c.person)
		default:
			open = append(open, c)
			put(" (vendd) OUT: \"feature_%02d\" user%04d@host%04d  ", c.feature, c.person, c.person)
		}
	}
	return events, w.Flush()
}

// runDebugLog makes a debug log and reports on it, in a process of its own on one
// core.
func (c *config) runDebugLog(ctx context.Context, out, log io.Writer) (err error) {
	clean, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	d := debugLog{Bytes: c.debugLog << 20, Seed: c.estate.Seed, Features: 60, People: 500}
	path := filepath.Join(c.dir, "debug.log")
	fmt.Fprintf(log, "Writing a debug log of %d MiB ...\n", c.debugLog)
	events, err := d.file(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "-report", path)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = log
	told, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("report on %s: %w", path, err)
	}
	var r reported
	if err := json.Unmarshal(told, &r); err != nil {
		return err
	}
	grid{
		{fmt.Sprintf("headroom report on a debug log of %s", size(info.Size())), "", ""},
		{"events", count(int64(events)), fmt.Sprintf("of %d features and %d people", d.Features, d.People)},
		{"time on one core", duration(r.Took), fmt.Sprintf("%.0f MB/s", float64(info.Size())/1e6/r.Took.Seconds())},
		{"memory", size(r.Highest), "resident at most"},
	}.text(out)
	return nil
}

func (d *debugLog) file(path string) (events int, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	events, err = d.write(f)
	return events, errors.Join(err, f.Close())
}

// A reported is what the process of its own tells.
type reported struct {
	Took    time.Duration
	Highest int64 // resident bytes at most
}

// reportOn makes the report, in the process of its own.
func reportOn(path string, out io.Writer) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	begin := time.Now()
	made, err := report.Make([]report.Source{{Path: path, Size: info.Size(), Data: f, At: info.ModTime()}}, report.Options{Zone: time.UTC})
	if err != nil {
		return err
	}
	r := reported{Took: time.Since(begin)}
	if len(made.Features) == 0 {
		return errors.New("the report has no features")
	}
	_, r.Highest = resident()
	return json.NewEncoder(out).Encode(r)
}
