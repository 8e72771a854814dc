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
	history *history   // the log that tells about it; nil if none does
	samples []sampleAt // what the statuses said, oldest first once they are all read
}

// A sampleAt is what one status said of a row.
type sampleAt struct {
	at    time.Time
	inUse int64
}

// A collector gathers rows from all inputs.
type collector struct {
	options    Options
	logOptions flexnet.LogOptions
	rows       []*row
	// daemons are the vendor daemons that each server is known to run: an idle
	// feature of a server with one daemon is that daemon's.
	// The names are folded, and lead to those that were printed.
	daemons map[string]map[string]string
	refused map[Denials]*Denials // by the row without its counts, the user folded
}

// row returns the row of a feature, made if it is new. Host names are the same
// without case, and a short one is the same as a full one that begins with it.
// A daemon or server that is not told fits any row.
func (c *collector) row(server, daemon, feature string) *row {
	for _, r := range c.rows {
		if r.Feature.Feature != feature || !sameHost(r.Server, server) || !sameWord(r.Daemon, daemon) {
			continue
		}
		if len(server) > len(r.Server) {
			r.Server = server
		}
		if r.Daemon == "" {
			r.Daemon = daemon
		}
		return r
	}
	r := &row{Feature: Feature{Server: server, Daemon: daemon, Feature: feature}}
	c.rows = append(c.rows, r)
	return r
}

// serves notes that a server runs a vendor daemon.
func (c *collector) serves(server, daemon string) {
	if daemon == "" {
		return
	}
	if c.daemons == nil {
		c.daemons = map[string]map[string]string{}
	}
	key := license.FoldName(server)
	if c.daemons[key] == nil {
		c.daemons[key] = map[string]string{}
	}
	c.daemons[key][license.FoldName(daemon)] = daemon
}

// product asks the catalog what a feature belongs to. That nobody counts it is
// the one model that FlexNet tells.
func (c *collector) product(f Feature) catalog.Product {
	daemon := f.Daemon
	if known := slices.Collect(maps.Values(c.daemons[license.FoldName(f.Server)])); daemon == "" && len(known) == 1 {
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
