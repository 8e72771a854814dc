package lmx

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// manager is the name of the license manager.
const manager = "lmx"

// A server is one license server of an output, as it was read.
type server struct {
	hosts    []string
	port     int
	version  string
	failure  string // why the server told nothing, in the tool's words
	notes    []string
	torn     bool // some of it is missing
	closed   bool // in XML, its end was seen
	features []feature
}

// A feature is one row of a status, with the people below it.
type feature struct {
	name, version, vendor string
	start, end            string
	state                 license.State
	installed, inUse      license.Count
	denied                license.Count
	users                 []license.Holder // without Pool
}

func (s *server) last() *feature {
	if len(s.features) == 0 {
		return nil
	}
	return &s.features[len(s.features)-1]
}

// user returns the last of a feature's people, or nil.
func (f *feature) user() *license.Holder {
	if f == nil || len(f.users) == 0 {
		return nil
	}
	return &f.users[len(f.users)-1]
}

// portAtHost finds "6200@host", alone or among others.
var portAtHost = regexp.MustCompile(`(\d{1,5})@(\[[^\]\s]*\]|[^\s,;:]+)`)

// address reads where a license server listens: "6200@host", or several.
func (s *server) address(t string) {
	for _, m := range portAtHost.FindAllStringSubmatch(t, -1) {
		s.hosts = append(s.hosts, m[2])
		if port, err := strconv.Atoi(m[1]); err == nil && s.port == 0 {
			s.port = port
		}
	}
}

// number reads a count.
func number(t string) license.Count {
	n, ok := text.ParseCount(t)
	if !ok {
		return license.Count{}
	}
	return license.Of(n)
}

// counts reads how many licenses of a feature are in use, of how many. It
// reports whether it understood both.
func (f *feature) counts(used, total string) bool {
	f.inUse, f.installed = number(used), number(total)
	switch {
	case f.installed.Known:
		f.state, f.installed = license.StateOf(f.installed.N)
	case isWord(total, "unlimited", "infinite"):
		f.state = license.StateUnlimited
	case isWord(total, "uncounted"):
		f.state = license.StateUncounted
	default:
		f.state, f.inUse = license.StateUnknown, license.Count{}
	}
	return f.state != license.StateUnknown && f.inUse.Known
}

func isWord(t string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(t, w) })
}

// finish turns what was read into an output.
func (p *parser) finish() facts.Output {
	out := facts.Output{Lines: p.number, Unread: p.unread}
	for _, s := range join(p.servers) {
		out.Servers = append(out.Servers, s.status())
	}
	switch {
	case len(out.Servers) > 0:
	case len(p.notes) > 0:
		out.Error = strings.Join(p.notes, " ")
	case out.Lines == 0:
		out.Error = "the output is empty"
	default:
		out.Error = "the output names no license server"
	}
	return out
}

// maxHA is how many servers a high-availability setup has.
const maxHA = 3

// join makes one server of those that stand in for each other: all that answer
// have the same licenses. What is in use is taken from the first that answers.
func join(all []server) []server {
	first, answering := -1, 0
	for i, s := range all {
		if s.failure != "" || len(s.features) == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		if !sameLicenses(s, all[first]) {
			return all
		}
		answering++
	}
	if answering < 2 || len(all) > maxHA {
		return all
	}
	one := all[first]
	one.hosts, one.port = nil, all[0].port
	for _, s := range all {
		one.hosts = append(one.hosts, s.hosts...)
	}
	return []server{one}
}

func sameLicenses(a, b server) bool {
	return slices.EqualFunc(a.inOrder(), b.inOrder(), func(f, g feature) bool {
		return compare(f, g) == 0 && f.state == g.state
	})
}

// inOrder returns the features in an order of their own.
func (s server) inOrder() []feature {
	return slices.SortedStableFunc(slices.Values(s.features), compare)
}

func compare(f, g feature) int {
	return cmp.Or(
		cmp.Compare(f.name, g.name), cmp.Compare(f.version, g.version), cmp.Compare(f.vendor, g.vendor),
		cmp.Compare(f.installed.N, g.installed.N),
	)
}

// status tells what is known of a server in the words of all managers.
func (s server) status() facts.Status {
	st := facts.Status{
		Server: license.Server{Manager: manager, Hosts: s.hosts, Port: s.port, Version: s.version},
		Error:  s.failure,
	}
	if st.Error == "" && len(s.features) == 0 {
		st.Error = cmp.Or(strings.Join(s.notes, " "), "the output lists no feature of this license server")
	}
	if st.Error != "" {
		return st
	}
	var rows facts.Readings
	vendors, refused := vendorsPerName(s.features), map[license.Pool]int{}
	for _, f := range s.features {
		pool := license.Pool{Feature: f.name}
		if vendors[f.name] > 1 {
			pool.Daemon = f.vendor
		}
		rows.Add(f.reading(pool))
		st.Terms = append(st.Terms, f.term(pool))
		st.Denied = denied(st.Denied, refused, pool, f.denied)
		for _, h := range f.users {
			h.Pool = pool
			st.Snapshot.Holders = append(st.Snapshot.Holders, h)
		}
	}
	st.Snapshot.Readings = rows.All()
	st.Snapshot.Complete = !s.torn
	return st
}

func vendorsPerName(all []feature) map[string]int {
	seen := map[license.Pool]bool{}
	count := map[string]int{}
	for _, f := range all {
		key := license.Pool{Feature: f.name, Daemon: f.vendor}
		if f.vendor != "" && !seen[key] {
			seen[key] = true
			count[f.name]++
		}
	}
	return count
}

// reading turns a feature into a row. How much is borrowed is known where the
// people are listed, or nobody uses the feature.
func (f feature) reading(pool license.Pool) license.Reading {
	r := license.Reading{Pool: pool, Daemon: f.vendor, State: f.state, Installed: f.installed, InUse: f.inUse}
	if f.state == license.StateUnknown {
		r.Reason = "the output does not tell how many licenses there are"
		return r
	}
	if len(f.users) == 0 && f.inUse != license.Of(0) {
		return r
	}
	borrowed := int64(0)
	for _, h := range f.users {
		if h.Kind == license.HolderBorrowed {
			borrowed += h.Licenses
		}
	}
	r.Borrowed = license.Of(borrowed)
	return r
}

// denied adds the refusals of a row to those of its pool; at says where in all
// that is.
func denied(all []facts.Denied, at map[license.Pool]int, pool license.Pool, n license.Count) []facts.Denied {
	if !n.Known {
		return all
	}
	i, ok := at[pool]
	if !ok {
		at[pool] = len(all)
		return append(all, facts.Denied{Pool: pool, Count: n.N})
	}
	all[i].Count += n.N
	return all
}
