// Package slurm reads what the tools of the Slurm workload manager print about
// the licenses of a cluster: the counters of scontrol, the jobs of squeue that
// hold licenses or wait for them, and what the controller says about itself.
//
// Slurm counts what its own jobs ask for. Whether a job really takes a license
// from the vendor's license server is not in these texts.
package slurm

import (
	"cmp"
	"io"
	"strconv"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Manager is the name of the license manager in a license.Server.
const Manager = "slurm"

// none is what scontrol says of a cluster without licenses.
const none = "No licenses configured in Slurm."

// ParseStatus reads the output of `scontrol show lic`, with --oneliner or
// without. The output tells of one license server, the cluster, or of none and
// then has an Error. The error is the reader's, or says that there is no such
// code page.
//
// A pool is a license as jobs ask for it: a remote one is called name@server.
// Installed is Total, the cluster's share; in use is Used. Reserved stays
// unknown: Slurm's number counts what its reservations set aside, whether jobs
// have taken it or not, and is no part of Used. A pool whose line was cut short
// or cannot be understood is unread, and the snapshot not complete.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	var p statusParser
	for lines.Next() {
		p.line(lines.Number(), strings.TrimSpace(lines.Text()))
	}
	p.close()
	p.out.Lines = lines.Number()
	return p.output(), lines.Err()
}

type statusParser struct {
	out    facts.Output
	rows   facts.Readings
	record record
	broken bool   // a record was not read
	stray  string // the first line that belongs to no record; an error of the tool before others
	failed bool   // stray is an error
}

// A record is what is said of one license, in one line or in several.
type record struct {
	line   int // where it begins; 0 if there is none
	text   string
	fields map[string]string
}

func (p *statusParser) line(number int, line string) {
	switch {
	case line == "":
	case strings.HasPrefix(line, "LicenseName="):
		p.close()
		p.record = record{line: number, fields: map[string]string{}}
		p.record.add(line)
	case p.record.line != 0 && !p.record.whole() && strings.HasPrefix(line, "Total="),
		p.record.whole() && strings.HasPrefix(line, "LastConsumed="):
		p.record.add(line)
	default:
		p.close()
		p.aside(number, line)
	}
}

func (r *record) add(line string) {
	r.text = strings.TrimSpace(r.text + " " + line)
	for word := range strings.FieldsSeq(line) {
		key, value, _ := strings.Cut(word, "=")
		if _, twice := r.fields[key]; !twice {
			r.fields[key] = value
		}
	}
}

// whole reports whether a record has what comes last in every version: a count
// before it was not cut.
func (r *record) whole() bool {
	remote := r.fields["Remote"]
	return remote == "yes" || remote == "no"
}

// close reads the record that has come to its end.
func (p *statusParser) close() {
	r := p.record
	p.record = record{}
	if r.line == 0 {
		return
	}
	reading, ok := r.reading()
	if !ok {
		p.broken = true
		p.out.Unread.Add(r.line, r.text)
		return
	}
	p.rows.Add(reading)
}

func (r *record) reading() (license.Reading, bool) {
	total, ok1 := count(r.fields["Total"])
	used, ok2 := count(r.fields["Used"])
	name := r.fields["LicenseName"]
	if !ok1 || !ok2 || name == "" || !r.whole() {
		return license.Reading{}, false
	}
	reading := license.Reading{Pool: license.Pool{Feature: name}, State: license.StateCounted, InUse: license.Of(used)}
	if total >= license.UnlimitedFrom {
		reading.State = license.StateUnlimited
	} else {
		reading.Installed = license.Of(total)
	}
	return reading, true
}

// count reads a number of 32 bits. scontrol prints the total as a signed one,
// so that very large ones come out negative.
func count(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return 0, false
	}
	if n < 0 {
		n += 1 << 32
	}
	return n, true
}

// aside notes a line that tells of no license.
func (p *statusParser) aside(number int, line string) {
	failed := isError(line)
	if p.stray == "" || failed && !p.failed {
		p.stray, p.failed = line, failed
	}
	if line != none {
		p.out.Unread.Add(number, line)
	}
}

// isError recognises what Slurm's tools say when they fail.
func isError(line string) bool {
	return strings.Contains(line, "error: ") || strings.Contains(line, "fatal: ")
}

func (p *statusParser) output() facts.Output {
	if len(p.rows.All()) == 0 {
		p.out.Error = facts.Shorten(cmp.Or(p.stray, "the output tells of no license of Slurm"), facts.MaxText)
		return p.out
	}
	p.out.Servers = []facts.Status{{
		Server:   license.Server{Manager: Manager},
		Snapshot: license.Snapshot{Complete: !p.broken, Readings: p.rows.All()},
	}}
	return p.out
}
