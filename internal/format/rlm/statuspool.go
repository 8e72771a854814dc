package rlm

import (
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A statusPool is what a status says of one pool.
type statusPool struct {
	vendor   string
	product  string
	version  string
	number   string // empty where the version of rlmstat prints none
	state    license.State
	free     license.Count // that are not reserved
	inUse    license.Count // of these
	reserved license.Count // taken or not
	taken    int64         // of the reserved ones, as lines of use say
	expires  string
	reason   string
}

// poolLine reads a line below "license pool status":
//
//	viewer v1.0, pool: 2
//		count: 12, # reservations: 0, inuse: 3, exp: 30-jun-2026
//		obsolete: 0, min_remove: 120, total checkouts: 99
//
// Instead of the two lines there can stand "UNCOUNTED, inuse: 3", or
// "Token-based license" for a product that takes its licenses from others.
func (s *openServer) poolLine(t string) bool {
	if details, ok := readDetails(t); ok {
		if len(s.pools) == 0 {
			return false
		}
		return s.pools[len(s.pools)-1].take(details)
	}
	m := poolLine.FindStringSubmatch(t)
	if m == nil {
		return false
	}
	s.pools = append(s.pools, &statusPool{
		vendor: s.current, product: m[1], version: m[2], number: m[3],
		reason: "the status does not tell its count",
	})
	return true
}

const (
	uncounted  = "UNCOUNTED"
	tokenBased = "Token-based license"
)

// readDetails reads "count: 12, # reservations: 0" and the other details of a
// pool. A word without a value has an empty one.
func readDetails(t string) (map[string]string, bool) {
	if t == tokenBased {
		return map[string]string{tokenBased: ""}, true
	}
	details := map[string]string{}
	for part := range strings.SplitSeq(t, ",") {
		part = strings.TrimSpace(part)
		key, value, found := strings.Cut(part, ": ")
		if !found && part != uncounted {
			return nil, false
		}
		details[key] = strings.TrimSpace(value)
	}
	return details, true
}

// take adds details to the pool, and reports whether they could be read.
func (p *statusPool) take(details map[string]string) bool {
	count, counts := details["count"]
	_, isUncounted := details[uncounted]
	_, isTokenBased := details[tokenBased]
	switch {
	case !counts && !isUncounted && !isTokenBased:
		return true
	case p.state != license.StateUnknown: // said already
		return false
	case isTokenBased:
		p.state, p.reason = license.StateUncounted, tokenBased
		return true
	case isUncounted:
		count = uncounted
	}
	inUse, ok := readCount(details["inuse"])
	if !ok || !p.counted(count) {
		return false
	}
	p.reason, p.expires = "", details["exp"]
	p.inUse = license.Of(inUse)
	if n, ok := readCount(details["# reservations"]); ok {
		p.reserved = license.Of(n)
	}
	return true
}

// counted reads how many licenses the pool has.
func (p *statusPool) counted(s string) bool {
	switch strings.ToLower(s) {
	case "uncounted":
		p.state = license.StateUncounted
		return true
	case "unlimited":
		p.state = license.StateUnlimited
		return true
	}
	n, ok := readCount(s)
	switch {
	case !ok:
		return false
	case n >= license.UnlimitedFrom:
		p.state = license.StateUnlimited
	default:
		p.state, p.free = license.StateCounted, license.Of(n)
	}
	return true
}

// reading returns what the pool looked like. RLM's manual says that the count
// of a pool is without its reservations, and that their use is counted apart:
// with them added, taken or not, the count is all that the server hands out
// and the use all that is taken or set aside.
func (p *statusPool) reading(pool license.Pool) license.Reading {
	r := license.Reading{
		Pool: pool, Daemon: p.vendor, State: p.state, Installed: p.installed(), InUse: p.inUse, Reason: p.reason,
	}
	if p.reserved.Known {
		r.Reserved = license.Of(max(0, p.reserved.N-p.taken))
		r.InUse = p.inUse.Plus(p.reserved)
	}
	return r
}

func (p *statusPool) installed() license.Count {
	if p.reserved.Known {
		return p.free.Plus(p.reserved)
	}
	return p.free
}

// term returns the license behind the pool. Its expiry is the earliest of all
// licenses that rlm has put into the pool.
func (p *statusPool) term(pool license.Pool) facts.Term {
	t := facts.Term{
		Pool: pool, State: p.state, Count: p.installed(), Version: p.version, Vendor: p.vendor, Text: p.expires,
	}
	t.Expiry, t.Permanent = readExpiry(p.expires)
	return t
}

// readExpiry reads "30-jun-2026" and "permanent"; a year of zero means
// permanent too.
func readExpiry(s string) (at time.Time, permanent bool) {
	if strings.EqualFold(s, "permanent") {
		return time.Time{}, true
	}
	day, ok := text.ParseDashDay(s)
	if !ok || day.Year == 0 {
		return time.Time{}, ok
	}
	return day.Midnight(), false
}
