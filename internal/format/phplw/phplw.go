// Package phplw reads the database of phpLicenseWatcher from a dump that
// mysqldump has made of it: which license servers and features it watched, how
// many licenses were in use, and how many there were on which day. It knows the
// tables of all versions:
//
//	license_usage, licenses_available          server and product by name
//	usage, available, server or servers        the server by number
//	usage, available, licenses, features ...   both by numbers
//
// It is pure: it runs no statement, and a row that it cannot read costs no
// other. What was in use is without reservations, unless the watcher was told
// otherwise.
package phplw

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/facts"
)

// maxRows bounds what is kept of the small tables together: what is installed
// beyond that is unknown.
const maxRows = 1 << 20

// dumpHead gives a dump of these tables away.
var dumpHead = regexp.MustCompile("(?im)^(-- (MySQL|MariaDB) dump |/\\*M?!999999|(CREATE TABLE|INSERT INTO)[^\r\n(]*[` ](flexlm_events|license_usage|licenses_available|usage|available)[` ])")

// Is says whether head is the beginning of such a dump.
func Is(head []byte) bool { return dumpHead.Match(head) }

// A Server is a license server that was watched.
type Server struct {
	Name  string // what lmutil is asked for, such as 27000@host
	Label string
}

// A Dump is what a dump tells beside the readings themselves.
type Dump struct {
	Servers []Server
	Rows    int         // readings
	Days    map[int]int // readings by UTC day, counted from 1970
	Unread  facts.UnreadLines

	zone     *time.Location
	servers  map[string]int // by number or name, an index
	features map[string]string
	licenses map[string][2]string // server and feature, by number
	total    map[totalKey]total
	words    map[string]string // each once
	kept     int
}

// A totalKey names a feature of a server on a day.
type totalKey struct{ server, product, day string }

// A total is how many licenses there were; those of one day can differ.
type total struct {
	n       int64
	differs bool
}

// A Reading is how much of a feature was in use at an instant.
type Reading struct {
	Server  int // in Dump.Servers
	Feature string
	At      time.Time
	InUse   int64
	// Installed is unknown where the day has none, or two.
	Installed   int64
	IsInstalled bool
}

// Open reads all of a dump but the readings. zone is that of its times. The error
// is only that of r.
func Open(r io.Reader, zone *time.Location) (*Dump, error) {
	d := &Dump{
		Days: map[int]int{}, zone: zone, servers: map[string]int{}, features: map[string]string{},
		licenses: map[string][2]string{}, total: map[totalKey]total{}, words: map[string]string{},
	}
	if zone == nil {
		d.zone = time.UTC
	}
	err := each(r, func(table string, row fields, line int) {
		if !d.keep(table, row) {
			d.Unread.Add(line, fmt.Sprintf("a row of %s", table))
		}
	}, func(table string, line int) { d.Unread.Add(line, fmt.Sprintf("a row of %s", table)) })
	return d, err
}

// Readings reads the dump again and calls f with the readings of a server whose
// UTC day is from <= day < to, in the order of the dump. The error is only that
// of r.
func (d *Dump) Readings(r io.Reader, server, from, to int, f func(Reading)) error {
	return each(r, func(table string, row fields, _ int) {
		if !isUsage(table) {
			return
		}
		got, ok := d.reading(row)
		if !ok || got.Server != server {
			return
		}
		if day := dayOf(got.At); day >= from && day < to {
			f(got)
		}
	}, nil)
}

func dayOf(at time.Time) int { return int(at.Unix() / (24 * 60 * 60)) }

// fields are the values of a row by the names of their columns.
type fields struct {
	columns []string
	row     []value
}

// get returns the first of some columns that the row has.
func (f fields) get(names ...string) (string, bool) {
	for _, name := range names {
		for i, c := range f.columns {
			if c == name && i < len(f.row) && !f.row[i].null {
				return f.row[i].text, true
			}
		}
	}
	return "", false
}

// each calls row with the rows of a dump, and bad for those that cannot be read.
func each(r io.Reader, row func(table string, f fields, line int), bad func(table string, line int)) error {
	d := newSQLDump(r)
	for {
		table, columns, values, ok, err := d.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ok:
			row(table, fields{columns, values}, d.line)
		case bad != nil:
			bad(table, d.line)
		}
	}
}

func isUsage(table string) bool { return table == "usage" || table == "license_usage" }

// keep notes a row. It reports whether the row could be read, or is of a table
// that does not matter.
func (d *Dump) keep(table string, row fields) bool {
	switch table {
	case "server", "servers":
		return d.server(row)
	case "features":
		id, ok := row.get("id")
		if name, named := row.get("name"); ok && named { // older ones have a table of this name that nothing refers to
			d.note(func() { d.features[id] = name })
		}
	case "licenses":
		id, ok1 := row.get("id")
		server, ok2 := row.get("server_id")
		feature, ok3 := row.get("feature_id")
		if !ok1 || !ok2 || !ok3 {
			return false
		}
		d.note(func() { d.licenses[id] = [2]string{server, feature} })
	case "available", "licenses_available":
		return d.available(row)
	case "usage", "license_usage":
		return d.count(row)
	}
	return true
}

// note keeps a row, unless there are too many.
func (d *Dump) note(keep func()) {
	if d.kept++; d.kept <= maxRows {
		keep()
	}
}

func (d *Dump) server(row fields) bool {
	id, ok1 := row.get("id")
	name, ok2 := row.get("name")
	if !ok1 || !ok2 {
		return false
	}
	label, _ := row.get("label", "alias")
	d.note(func() {
		d.servers[id] = len(d.Servers)
		d.Servers = append(d.Servers, Server{Name: name, Label: label})
	})
	return true
}

func (d *Dump) available(row fields) bool {
	server, product, ok := whose(row)
	day, ok1 := row.get("date", "flmavailable_date")
	text, ok2 := row.get("num_licenses", "licenses", "flmavailable_num_licenses")
	n, err := strconv.ParseInt(text, 10, 64)
	if !ok || !ok1 || !ok2 || err != nil || n < 0 {
		return false
	}
	d.note(func() {
		key := totalKey{d.word(server), d.word(product), d.word(day)}
		if was, twice := d.total[key]; twice && was.n != n {
			d.total[key] = total{differs: true}
			return
		}
		d.total[key] = total{n: n}
	})
	return true
}

// word returns a word that is kept once, however often it comes.
func (d *Dump) word(s string) string {
	if d.words[s] == "" {
		d.words[s] = strings.Clone(s)
	}
	return d.words[s]
}

// whose returns whose a row is, in the words of the dump: a license alone, or a
// server and a product.
func whose(row fields) (server, product string, ok bool) {
	if license, ok := row.get("license_id"); ok {
		return "", license, true
	}
	server, ok1 := row.get("server_id", "server", "flmusage_server", "flmavailable_server")
	product, ok2 := row.get("product", "flmusage_product", "flmavailable_product")
	return server, product, ok1 && ok2
}

// count notes that there is a reading. The tables that say whose it is may come
// later in the dump.
func (d *Dump) count(row fields) bool {
	at, ok := d.instant(row)
	_, inUse := users(row)
	server, _, whom := whose(row)
	if !ok || !inUse || !whom {
		return false
	}
	if _, byName := row.get("flmusage_server"); byName {
		if _, known := d.servers[server]; !known {
			d.note(func() {
				d.servers[server] = len(d.Servers)
				d.Servers = append(d.Servers, Server{Name: server})
			})
		}
	}
	d.Rows++
	d.Days[dayOf(at)]++
	return true
}

func users(row fields) (int64, bool) {
	text, ok := row.get("num_users", "users", "flmusage_users")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil && n >= 0
}

// instant returns when a reading was made.
func (d *Dump) instant(row fields) (time.Time, bool) {
	text, ok := row.get("time")
	if day, divided := row.get("flmusage_date"); divided {
		clock, has := row.get("flmusage_time")
		text, ok = day+" "+clock, has
	}
	if !ok {
		return time.Time{}, false
	}
	text, _, _ = strings.Cut(text, ".") // fractions of a second
	at, err := time.ParseInLocation(time.DateTime, text, d.zone)
	if err != nil || at.Year() < 1990 {
		return time.Time{}, false
	}
	return at.UTC(), true
}

// reading reads a row of usage.
func (d *Dump) reading(row fields) (r Reading, ok bool) {
	server, product, ok1 := whose(row)
	at, ok2 := d.instant(row)
	n, ok3 := users(row)
	if !ok1 || !ok2 || !ok3 {
		return Reading{}, false
	}
	installed, told := d.total[totalKey{server, product, at.In(d.zone).Format(time.DateOnly)}]
	if server == "" {
		license, known := d.licenses[product]
		if !known {
			return Reading{}, false
		}
		server, product = license[0], d.features[license[1]]
	}
	i, known := d.servers[server]
	if !known || product == "" {
		return Reading{}, false
	}
	r = Reading{Server: i, Feature: product, At: at, InUse: n}
	if told && !installed.differs {
		r.Installed, r.IsInstalled = installed.n, true
	}
	return r, true
}
