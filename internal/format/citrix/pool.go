package citrix

import (
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A Pool is what one row of a license server's inventory says.
type Pool struct {
	Feature   string // the code, such as XDT_PLT_UD
	SADate    string // Subscription Advantage date, YYYY.MMDD; empty if not told
	Type      string // Retail, NFR ...; empty if not told
	LAS       bool   // by the License Activation Service: as reported, and unverified
	Installed license.Count
	Overdraft license.Count // part of Installed
	InUse     license.Count
	Expiry    time.Time // zero if not told
	Name      string    // of the product, in the server's words; empty if not told
}

// Key returns the pool under which a row is counted: its variant is the
// Subscription Advantage date and the license type, as far as they are told.
func (p Pool) Key() license.Pool {
	words := []string{p.SADate, p.Type}
	if p.LAS {
		words = append([]string{"LAS"}, words...)
	}
	return license.Pool{Feature: p.Feature, Variant: strings.Join(strings.Fields(strings.Join(words, " ")), " ")}
}

// Readings turns rows into readings, in their order. Rows of one key are
// added.
func Readings(pools []Pool) []license.Reading {
	var all facts.Readings
	for _, p := range pools {
		all.Add(p.reading())
	}
	return all.All()
}

func (p Pool) reading() license.Reading {
	r := license.Reading{
		Pool: p.Key(), Daemon: Daemon, State: license.StateCounted,
		Installed: p.Installed, InUse: p.InUse, Overdraft: p.Overdraft,
	}
	if p.Installed.Known {
		r.State, r.Installed = license.StateOf(p.Installed.N)
	}
	if r.State == license.StateUnlimited {
		r.Overdraft = license.Count{}
	}
	if !p.Installed.Known && !p.InUse.Known {
		r.State, r.Reason = license.StateUnknown, "the license server told no numbers for it"
	}
	return r
}

// Terms returns one term for each row: pools of one key can have several
// expiry dates. A row whose expiry is not told has none.
func Terms(pools []Pool) []facts.Term {
	var all []facts.Term
	for _, p := range pools {
		r := p.reading()
		all = append(all, facts.Term{
			Pool: r.Pool, State: r.State, Count: r.Installed, Version: p.SADate, Vendor: Daemon, Expiry: p.Expiry,
		})
	}
	return all
}
