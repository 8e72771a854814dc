package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A row is a feature on its way into the report.
type row struct {
	Feature
	told    bool       // a status names it
	most    Peak       // the highest that a table of the past tells
	history history    // the log that tells about it; nil if none does
	samples []sampleAt // what the statuses said, oldest first once they are all read
}

// A sampleAt is what one status said of a row.
type sampleAt struct {
	at    time.Time
	inUse int64
}

// A history tells how the use of rows changed.
type history interface {
	// steps calls each with every second in which a row's use changed, in order
	// of time, and returns the last second that is vouched for and the gaps
	// before it, of which nothing is known.
	steps(r *row, each func(at, inUse, high int64)) (last int64, gaps []gap, err error)
}

// A gap is a time of which a log does not tell: [from, to).
type gap struct{ from, to int64 }

// A collector gathers rows from all inputs.
type collector struct {
	options    Options
	logOptions flexnet.LogOptions
	rows       []*row
	servers    []*said
	terms      []Term // of license files
	people     map[userKey]*User
	// daemons are the vendor daemons that each server is known to run: an idle
	// feature of a server with one daemon is that daemon's.
	// The names are folded, and lead to those that were printed.
	daemons map[serverKey]map[string]string
	refused refusals
}

// A serverKey is a license server, its name folded.
type serverKey struct{ manager, name string }

// row returns the row of a feature, made if it is new. Host names are the same
// without case, and a short one is the same as a full one that begins with it.
// A daemon or server that is not told fits any row.
func (c *collector) row(at Place) *row {
	return c.rowOf(at, func(*row) bool { return true })
}

// logRow returns the row of a feature that a history tells of: one that another
// history tells of is of another license server, or else it would be one log.
func (c *collector) logRow(at Place, h history) *row {
	r := c.rowOf(at, func(r *row) bool { return r.history == nil || r.history == h })
	r.history = h
	return r
}

func (c *collector) rowOf(at Place, fits func(*row) bool) *row {
	for _, r := range c.rows {
		if !r.is(at) || !fits(r) {
			continue
		}
		if len(at.Server) > len(r.Server) {
			r.Server = at.Server
		}
		if r.Daemon == "" {
			r.Daemon = at.Daemon
		}
		return r
	}
	r := &row{Feature: Feature{Place: at}}
	c.rows = append(c.rows, r)
	return r
}

func (p Place) is(q Place) bool {
	return p.Feature == q.Feature && p.Variant == q.Variant && p.Manager == q.Manager &&
		sameHost(p.Server, q.Server) && sameWord(p.Daemon, q.Daemon)
}

// serves notes that a server runs a vendor daemon.
func (c *collector) serves(manager, server, daemon string) {
	if daemon == "" {
		return
	}
	if c.daemons == nil {
		c.daemons = map[serverKey]map[string]string{}
	}
	key := serverKey{manager, license.FoldName(server)}
	if c.daemons[key] == nil {
		c.daemons[key] = map[string]string{}
	}
	c.daemons[key][license.FoldName(daemon)] = daemon
}

// product asks the catalog what a feature belongs to. That nobody counts it is
// the one model that FlexNet tells.
func (c *collector) product(f Feature) catalog.Product {
	daemon := f.Daemon
	if known := slices.Collect(maps.Values(c.daemons[serverKey{f.Manager, license.FoldName(f.Server)}])); daemon == "" && len(known) == 1 {
		daemon = known[0]
	}
	p := catalog.Of(daemon, f.Feature)
	if f.State == license.StateUncounted {
		p = p.Told(catalog.Uncounted)
	}
	return p
}

func sameWord(a, b string) bool {
	return a == "" || b == "" || strings.EqualFold(a, b)
}

func sameHost(a, b string) bool {
	if sameWord(a, b) || strings.EqualFold(a, "this_host") || strings.EqualFold(b, "this_host") {
		return true
	}
	shortA, _, fullA := strings.Cut(a, ".")
	shortB, _, fullB := strings.Cut(b, ".")
	return fullA != fullB && strings.EqualFold(shortA, shortB)
}
