package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/license"
)

// A Roster is what the newest list of assignments of a license server says of
// itself.
type Roster struct {
	At        time.Time
	Truncated bool          // users are named without their domains
	Lease     time.Duration // after the last use; 0 if not told
	LastIs    license.LastKind
}

// An Assignee is a user or device that has, or had, a license of one pool.
type Assignee struct {
	Pool   license.Pool
	Vendor string // the vendor daemon; empty if not told
	Kind   license.AssigneeKind
	Who    string // the name, folded
	Name   string
	First  time.Time // assigned first, as the source tells it; zero if it does not
	Seen   time.Time // first seen in a list
	Last   time.Time // see Roster.LastIs; zero if not told
	Ended  time.Time // since when the license is free again; zero while it is theirs
}

// A Source is one of the sources by which a license server is read.
type Source struct {
	Name    string
	Asked   time.Time
	Age     time.Duration // of its data then
	Failure string        // why it told nothing; empty if it did
	Absent  bool          // it is not there
	Remark  string
}

// An Activity is to whom the licenses of a product are and were assigned.
type Activity struct {
	Organisation Organisation
	At           time.Time
	Product      catalog.Product
	Rows         []Assigned // those who have one first, then by name
	Lists        []List     // of the chosen servers that tell of assignments, by name
	Users        int        // assignments of users, of all servers
	Devices      int
	People       Between // distinct users: on several servers one may be counted once for each
}

// Between is a number that is known up to a bound on either side.
type Between struct{ Low, High int }

// An Assigned is a user or device on one license server.
type Assigned struct {
	Assignee
	Server Server
	LastIs license.LastKind
	Lease  time.Duration
}

// A List is what the assignments of one license server rest on.
type List struct {
	Server    Server
	At        time.Time
	Truncated bool
}

// Activity answers who has licenses of a product on the chosen servers. Errors
// are those of Details; span and step of the question do not matter.
func (s *Service) Activity(ctx context.Context, org int64, q Question) (out Activity, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		p, lines, _, err := e.question(q)
		if err == nil {
			out, err = s.activity(ctx, e, p, lines)
		}
		return err
	})
	return out, err
}

func (s *Service) activity(ctx context.Context, e *estate, p *product, lines []*line) (Activity, error) {
	out := Activity{Organisation: e.org, At: e.now, Product: p.Product}
	rosters, err := e.reader.store.Rosters(ctx, e.org.ID)
	if err != nil {
		return Activity{}, err
	}
	for _, of := range perServer(lines) {
		server := of[0].server.Server
		if r, ok := rosters[server.ID]; ok {
			if err := s.assigned(ctx, e.reader.store, &out, server, r); err != nil {
				return Activity{}, err
			}
		}
	}
	slices.SortFunc(out.Rows, byAssignee)
	out.People = people(out)
	return out, nil
}

// assigned adds those of one license server.
func (s *Service) assigned(ctx context.Context, store Store, out *Activity, server Server, r Roster) error {
	list, err := store.Assignees(ctx, out.Organisation.ID, server.ID)
	if err != nil {
		return err
	}
	type key struct {
		kind license.AssigneeKind
		who  string
	}
	rows := map[key]*Assigned{}
	for _, a := range list {
		if s.productOf(server, cmp.Or(a.Vendor, a.Pool.Daemon), a.Pool.Feature).Key != out.Product.Key {
			continue
		}
		k := key{a.Kind, a.Who}
		if rows[k] == nil {
			rows[k] = &Assigned{Assignee: a, Server: server, LastIs: r.LastIs, Lease: r.Lease}
			continue
		}
		rows[k].merge(a)
	}
	for _, row := range rows {
		out.Rows = append(out.Rows, *row)
		switch {
		case !row.Ended.IsZero():
		case row.Kind == license.AssignedDevice:
			out.Devices++
		default:
			out.Users++
		}
	}
	out.Lists = append(out.Lists, List{Server: server, At: r.At, Truncated: r.Truncated})
	return nil
}

// merge adds what another pool of the product says of the same assignee.
func (a *Assigned) merge(b Assignee) {
	if !b.Seen.IsZero() && (a.Seen.IsZero() || b.Seen.Before(a.Seen)) {
		a.Seen = b.Seen
	}
	if !b.First.IsZero() && (a.First.IsZero() || b.First.Before(a.First)) {
		a.First = b.First
	}
	if b.Last.After(a.Last) {
		a.Last = b.Last
	}
	if b.Ended.IsZero() || !a.Ended.IsZero() && b.Ended.After(a.Ended) {
		a.Ended = b.Ended
	}
}

func byAssignee(a, b Assigned) int {
	ended := func(x Assigned) int {
		if x.Ended.IsZero() {
			return 0
		}
		return 1
	}
	return cmp.Or(ended(a)-ended(b), strings.Compare(a.Who, b.Who), strings.Compare(string(a.Kind), string(b.Kind)),
		strings.Compare(a.Server.Name, b.Server.Name), strings.Compare(a.Server.GUID, b.Server.GUID))
}

// people counts distinct users who have a license. Where a list names them
// without domains, one name on two license servers may be two people, and two
// names may be one. People whose names are hidden under two keys, or under one and
// not under another, cannot be compared: they may be the same.
func people(a Activity) Between {
	truncated := len(a.Lists) > 1 && slices.ContainsFunc(a.Lists, func(l List) bool { return l.Truncated })
	type group struct {
		names, bare map[string]bool
		rows        int
	}
	groups := map[string]*group{} // by the key that hides them
	for _, r := range a.Rows {
		if r.Kind != license.AssignedUser || !r.Ended.IsZero() {
			continue
		}
		key := keyOf(r.Who)
		g := groups[key]
		if g == nil {
			g = &group{names: map[string]bool{}, bare: map[string]bool{}}
			groups[key] = g
		}
		g.names[r.Who], g.bare[bareName(r.Who)] = true, true
		g.rows++
	}
	var out Between
	for _, g := range groups {
		low, high := len(g.names), len(g.names)
		if truncated {
			low, high = len(g.bare), g.rows
		}
		out.Low, out.High = max(out.Low, low), out.High+high
	}
	return out
}

// keyOf returns the id of the key that hides a name; empty for one that is clear.
func keyOf(who string) string {
	if len(who) < 10 || who[0] != '~' || who[9] != '-' {
		return ""
	}
	return who[1:9]
}

// bareName is a user's name without its domain.
func bareName(who string) string {
	who, _, _ = strings.Cut(who, "@")
	return who[strings.LastIndexByte(who, '\\')+1:]
}
