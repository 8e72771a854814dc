// Package report answers from files alone, with no hub: what a status, a log
// or a license file says, per feature and per product, and line by line; and it
// makes a copy of such a text without the names in it. It is what stands behind
// headroom read, headroom report and the parser bench of the console.
//
// It takes opened inputs and writes to nothing but the writer that it is
// given. Memory is bounded by features, open checkouts and people; only the
// peak of a product that several logs serve keeps the changes of its features.
package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// A Report is what some files say together. docs/format/report.md describes
// its JSON, which only ever grows.
type Report struct {
	Servers  []Server   `json:"servers"`  // of which a status tells, by name
	Features []Feature  `json:"features"` // by server, daemon, feature, variant
	Products []Product  `json:"products"` // by name
	Holders  []Holder   `json:"holders"`  // of the newest status of each license server
	Assigned []Assigned `json:"assigned"` // of the newest status of each license server
	Terms    []Term     `json:"terms"`    // of license files and the newest statuses, those that end first
	Users    []User     `json:"users"`    // by feature as above, then by name
	Files    []File     `json:"files"`    // in the order given
	Denials  []Denials  `json:"denials"`  // by day, server, daemon, feature, user, reason

	DenialRule string `json:"denial_rule"` // how they are counted, for people
}

// DenialRule is how denials are counted, for people.
const DenialRule = denial.Rule

// Figures are what is known of a feature or a product. A figure that no file
// tells is unknown, which is never the same as 0.
type Figures struct {
	State     license.State `json:"-"`
	StateName string        `json:"state"`
	Installed license.Count `json:"installed"` // known only when counted
	InUse     license.Count `json:"in_use"`    // of the newest status
	Reserved  license.Count `json:"reserved"`  // unused reservations, part of InUse
	Borrowed  license.Count `json:"borrowed"`  // or kept after their return, part of InUse
	Queued    license.Count `json:"queued"`
	Overdraft license.Count `json:"overdraft"` // part of Installed

	Checkouts  license.Count `json:"checkouts"`   // lines: of the log, else of the newest status
	CheckedOut license.Count `json:"checked_out"` // licenses in them
	Users      license.Count `json:"users"`       // case folded
	Hosts      license.Count `json:"hosts"`

	Out          license.Count `json:"out"` // lines of the log
	In           license.Count `json:"in"`
	Denied       license.Count `json:"denied"`
	Denials      license.Count `json:"denials"`       // retries within 5 minutes folded into one
	DenialsTrue  license.Count `json:"denials_true"`  // part of Denials: somebody went without
	DenialsFalse license.Count `json:"denials_false"` // part of Denials: served soon after
	Unsupported  license.Count `json:"unsupported"`   // refused, and meant to ask elsewhere
	Refused      license.Count `json:"refused"`       // of the newest status: since the license server has counted

	Peak          Peak          `json:"peak"`
	Open          license.Count `json:"open"`           // licenses checked out at the end of the log
	OpenCheckouts license.Count `json:"open_checkouts"` // lines that hold them
	First         Instant       `json:"first"`          // first event, or the first status that names it
	Last          Instant       `json:"last"`
}

// A Peak is the highest use at one time.
type Peak struct {
	Value license.Count `json:"value"`
	At    Instant       `json:"at"` // the first second with Value
	Basis license.Basis `json:"-"`
	Known string        `json:"basis"` // Basis, or "unknown"
}

// A Place is where a license is counted.
type Place struct {
	Server  string `json:"server"`  // empty if no file tells it
	Manager string `json:"manager"` // "flexnet", "rlm" ...
	Daemon  string `json:"daemon"`
	Feature string `json:"feature"`
	Variant string `json:"variant"` // what else the license manager counts apart by; empty for most
}

// name is the feature as people read it.
func (p Place) name() string {
	return license.Pool{Feature: p.Feature, Variant: p.Variant}.String()
}

// A Feature is one feature of one vendor daemon on one license server.
type Feature struct {
	Place
	Product string `json:"product"` // key of the product it belongs to; empty for a system feature
	Figures
	Error    string   `json:"error,omitempty"` // the license server's own words
	Members  []string `json:"members,omitempty"`
	MemberOf []string `json:"member_of,omitempty"`
}

// A Product is what people buy, summed over features and license servers.
type Product struct {
	Key      string        `json:"product"`
	Name     string        `json:"name"`
	Model    catalog.Model `json:"model"`
	Daemon   string        `json:"daemon"`
	Features []string      `json:"features"`
	Servers  []string      `json:"servers"`
	Figures
	Checks []string `json:"checks,omitempty"` // how sources that are not added agree with those that are
}

// A File is one input and how well it was read.
type File struct {
	Path     string   `json:"path"`
	Format   string   `json:"format"`
	Lines    int      `json:"lines"`
	Unread   int      `json:"unread"`
	First    Instant  `json:"first"`
	Last     Instant  `json:"last"`
	Warnings []string `json:"warnings"`
}

// An Instant is a time that may be unknown. JSON has it with its offset, or
// null.
type Instant struct{ time.Time }

// MarshalJSON writes RFC 3339 with the offset, or null.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(i.Format(time.RFC3339))
}

// String shows the time with its offset, or "unknown".
func (i Instant) String() string {
	if i.IsZero() {
		return "unknown"
	}
	return i.Format("2006-01-02 15:04:05 -07:00")
}

// An Options says how to read what a file does not tell.
type Options struct {
	Zone     *time.Location // of times without a zone, and of the times shown; nil is UTC
	CodePage string         // of text that is not UTF-8; empty is windows-1252
	As       string         // the format of every file; empty: found out
}

func (o Options) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

func (o Options) instant(t time.Time) Instant {
	if t.IsZero() {
		return Instant{}
	}
	return Instant{t.In(o.zone())}
}

// Make reads the sources and says what they tell together. Several files of
// one log are one history whatever their order, and the same bytes count once.
// A source that cannot be read whole is an error that names it.
func Make(sources []Source, o Options) (Report, error) {
	inputs, err := open(sources, o)
	if err != nil {
		return Report{}, err
	}
	c := collector{options: o}
	for _, step := range []func([]*input) error{c.licenses, c.statuses, c.logs, c.eventLogs} {
		if err := step(inputs); err != nil {
			return Report{}, err
		}
	}
	r := c.said()
	r.Features, r.Users, r.Files = c.features(), c.users(), make([]File, 0, len(inputs))
	r.Denials, r.DenialRule = c.denials(), DenialRule
	r.Products, err = c.products()
	if err != nil {
		return Report{}, err
	}
	for _, in := range inputs {
		r.Files = append(r.Files, in.file)
	}
	return r, nil
}

func byName(a, b Feature) int {
	return byPlace(a.Place, b.Place)
}

func byPlace(a, b Place) int {
	return cmp.Or(
		cmp.Compare(a.Server, b.Server), cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature),
		cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Manager, b.Manager),
	)
}

// features returns the rows in their order, finished for the outside.
func (c *collector) features() []Feature {
	out := make([]Feature, 0, len(c.rows))
	for _, r := range c.rows {
		f := r.Feature
		if f.State != license.StateCounted {
			f.Installed = license.Count{}
		}
		if p := c.product(f); !p.System {
			f.Product = p.Key
		}
		f.finish()
		out = append(out, f)
	}
	slices.SortFunc(out, byName)
	return out
}

// finish fills what JSON shows in words.
func (f *Figures) finish() {
	f.StateName = f.State.String()
	f.Peak.Known = string(f.Peak.Basis)
	if !f.Peak.Value.Known {
		f.Peak.Known = license.StateUnknown.String()
	}
}
