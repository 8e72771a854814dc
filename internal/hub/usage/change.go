package usage

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
)

// A Change is the moment from which on a license server reports entitlements
// instead of licenses of its own: its products are called otherwise from then on,
// and what looks like one product's end and another one's growth is no change in
// use.
type Change struct {
	At     time.Time
	Server string
	Before []string // names of the products of which it has nothing any more
	After  []string // and of those that it has as entitlements
}

// changes returns those of the lines' servers that concern a product, in order of
// time.
func (e *estate) changes(p *product, lines []*line) (out []Change) {
	if !slices.ContainsFunc(e.products, func(o *product) bool {
		return slices.ContainsFunc(o.lines, func(l *line) bool { return catalog.Entitlement(l.pool.Key) })
	}) {
		return nil // as nearly everywhere
	}
	for _, of := range perServer(lines) {
		if c, ok := e.change(of[0].server); ok && (slices.Contains(c.Before, p.Name) || slices.Contains(c.After, p.Name)) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return a.At.Compare(b.At) })
	return out
}

// change finds the change of one server.
func (e *estate) change(s *server) (c Change, ok bool) {
	c.Server = s.Name
	began := int64(0)
	for _, o := range e.products {
		for _, l := range o.lines {
			switch entitlement := catalog.Entitlement(l.pool.Key); {
			case l.server != s:
			case entitlement:
				c.After = appendNew(c.After, o.Name)
				if began == 0 || l.pool.First < began {
					began = l.pool.First
				}
			case strings.EqualFold(o.Daemon, catalog.CitrixDaemon) && !l.has():
				c.Before = appendNew(c.Before, o.Name)
			}
		}
	}
	c.At = time.Unix(began, 0).UTC()
	return c, len(c.Before) > 0 && len(c.After) > 0
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
