package report

import (
	"cmp"
	"slices"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A Server is a license server as the newest status that names it tells.
type Server struct {
	Name     string   `json:"server"`
	Manager  string   `json:"manager"`
	Hosts    []string `json:"hosts"`
	Port     int      `json:"port"`     // 0 if not told
	HostID   string   `json:"host_id"`  // empty if not told
	Version  string   `json:"version"`  // empty if not told
	At       Instant  `json:"at"`       // of the status; unknown where it tells no date
	Complete bool     `json:"complete"` // every pool that the license server has is told
	Error    string   `json:"error,omitempty"`
	Partial  string   `json:"partial,omitempty"` // what is missing, in the source's words
}

// A Holder is somebody who holds licenses, or waits for them.
type Holder struct {
	Place
	Kind     license.HolderKind `json:"how"`
	User     string             `json:"user"` // of a reservation: what it is for
	Host     string             `json:"host"`
	Display  string             `json:"display,omitempty"`
	Licenses int64              `json:"licenses"`
	Since    Instant            `json:"since"`
	Handle   string             `json:"handle,omitempty"`
}

// An Assigned is a license that belongs to one user or device.
type Assigned struct {
	Place
	Kind   license.AssigneeKind `json:"kind"`
	Name   string               `json:"name"`
	First  Instant              `json:"first"`
	Last   Instant              `json:"last"`
	LastIs license.LastKind     `json:"last_is,omitempty"`
}

// A Term is one license behind a feature: a feature can have several.
type Term struct {
	Place
	State     string        `json:"state"`
	Count     license.Count `json:"count"`
	Version   string        `json:"version"`
	Start     Instant       `json:"start"`  // in UTC; a day is its midnight
	Expiry    Instant       `json:"expiry"` // likewise; unknown where it is permanent
	Permanent bool          `json:"permanent"`
	Text      string        `json:"text"` // of the expiry, as printed
}

// A said is what the newest status of a license server tells.
type said struct {
	Server
	holders  []Holder
	assigned []Assigned
	terms    []Term
}

// server returns what is said of a license server, made if it is new. Which of
// its hosts a status or log goes by may change.
func (c *collector) server(manager string, hosts ...string) *said {
	for _, s := range c.servers {
		if s.Manager == manager && s.has(hosts) {
			return s
		}
	}
	s := &said{Server: Server{Name: hosts[0], Manager: manager}}
	c.servers = append(c.servers, s)
	return s
}

func (s *said) has(hosts []string) bool {
	known := append([]string{s.Name}, s.Hosts...)
	return slices.ContainsFunc(hosts, func(host string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return sameHost(k, host) })
	})
}

// named is what a license server goes by that a log names by one of its hosts.
func (c *collector) named(manager, host string) string {
	for _, s := range c.servers {
		if host != "" && s.Manager == manager && s.has([]string{host}) {
			return cmp.Or(s.Name, host)
		}
	}
	return host
}

// only returns the license server of a manager, where the statuses name one and
// no other.
func (c *collector) only(manager string) string {
	name := ""
	for _, s := range c.servers {
		if s.Manager == manager && s.Name != "" {
			if name != "" {
				return ""
			}
			name = s.Name
		}
	}
	return name
}

// hear takes over what a status says of its license server, but for the counts.
func (s *said) hear(n told, rows map[license.Pool]*row, o Options) {
	if len(n.Snapshot.Readings) > 0 || n.Error != "" || s.At.IsZero() {
		s.Server = Server{
			Name: s.Name, Manager: n.Server.Manager, Hosts: n.Server.Hosts, Port: n.Server.Port, HostID: n.Server.HostID,
			Version: n.Server.Version, At: o.instant(n.Snapshot.At), Complete: n.Snapshot.Complete, Error: n.Error, Partial: n.Partial,
		}
	}
	if len(n.Snapshot.Readings) == 0 {
		return // what was known before is not known better
	}
	s.holders, s.terms = nil, nil
	for _, h := range n.Snapshot.Holders {
		s.holders = append(s.holders, Holder{
			Place: rows[h.Pool].Place, Kind: h.Kind, User: h.User, Host: h.Host, Display: h.Display,
			Licenses: h.Licenses, Since: o.instant(h.Since), Handle: h.Handle,
		})
	}
	for _, t := range n.Terms {
		s.terms = append(s.terms, newTerm(rows[t.Pool].Place, t))
	}
}

func newTerm(at Place, t facts.Term) Term {
	at.Daemon = cmp.Or(at.Daemon, t.Vendor)
	return Term{
		Place: at, State: t.State.String(), Count: t.Count, Version: t.Version,
		Start: Instant{t.Start}, Expiry: Instant{t.Expiry}, Permanent: t.Permanent, Text: t.Text,
	}
}

// said returns what was told beside the figures.
func (c *collector) said() Report {
	r := Report{Servers: []Server{}, Holders: []Holder{}, Assigned: []Assigned{}, Terms: slices.Concat([]Term{}, c.terms)}
	for _, s := range c.servers {
		r.Servers = append(r.Servers, s.Server)
		r.Holders = append(r.Holders, s.holders...)
		r.Assigned = append(r.Assigned, s.assigned...)
		r.Terms = append(r.Terms, s.terms...)
	}
	slices.SortStableFunc(r.Servers, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Manager, b.Manager))
	})
	slices.SortStableFunc(r.Holders, func(a, b Holder) int { return byPlace(a.Place, b.Place) })
	slices.SortStableFunc(r.Assigned, func(a, b Assigned) int { return byPlace(a.Place, b.Place) })
	slices.SortStableFunc(r.Terms, func(a, b Term) int {
		return cmp.Or(byEnd(a.Expiry, b.Expiry), byPlace(a.Place, b.Place))
	})
	return r
}

// byEnd puts what does not end last.
func byEnd(a, b Instant) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b.Time)
}
