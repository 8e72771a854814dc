package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// lookBack bounds how far the start of a simulated checkout may lie back.
const lookBack = 5 * 24 * time.Hour

// Status returns what lmutil lmstat -a prints about the server at t, in the
// server's own zone. A server that is down gives the text of the error.
func (s *Server) Status(t time.Time) string {
	var b strings.Builder
	local := t.In(s.Zone)
	short, _, _ := strings.Cut(s.Name, ".")
	fmt.Fprintf(&b, "lmutil - Copyright (c) 1989-2023 Flexera. All Rights Reserved.\n")
	fmt.Fprintf(&b, "Flexible License Manager status on %s\n\n", local.Format("Mon 1/2/2006 15:04"))
	fmt.Fprintf(&b, "[Detecting lmgrd processes...]\n")
	fmt.Fprintf(&b, "License server status: %d@%s\n", s.Port, s.Name)
	if s.Down(t) {
		fmt.Fprintf(&b, "lmgrd is not running: Cannot connect to license server system. (-15,570:111 \"Connection refused\")\n")
		return b.String()
	}
	fmt.Fprintf(&b, "    License file(s) on %s: /opt/licenses/%s.lic:\n\n", s.Name, s.Daemon)
	fmt.Fprintf(&b, "%s: license server UP (MASTER) v%s\n\n", s.Name, s.Version)
	fmt.Fprintf(&b, "Vendor daemon status (on %s):\n\n", short)
	fmt.Fprintf(&b, "%10s: UP v%s\n\n", s.Daemon, s.Version)
	fmt.Fprintf(&b, "Feature usage info:\n\n")
	for i := range s.Features {
		s.feature(&b, &s.Features[i], t)
	}
	return b.String()
}

func (s *Server) feature(b *strings.Builder, f *Feature, t time.Time) {
	if f.Uncounted {
		fmt.Fprintf(b, "Users of %s:  (Uncounted, node-locked)\n\n", f.Name)
		return
	}
	installed, inUse := f.purchase(t).Installed, s.use(f, t)+f.Reserved
	fmt.Fprintf(b, "Users of %s:  (Total of %s issued;  Total of %s in use)\n\n", f.Name, licenses(installed), licenses(inUse))
	if inUse == 0 {
		return
	}
	fmt.Fprintf(b, "  \"%s\" v%s, vendor: %s, expiry: %s\n", f.Name, f.Version, s.Daemon, f.Expiry)
	fmt.Fprintf(b, "  floating license\n\n")
	if f.Reserved > 0 {
		plural := "s"
		if f.Reserved == 1 {
			plural = ""
		}
		fmt.Fprintf(b, "        %d RESERVATION%s for GROUP ENGINEERING (%s/%d)\n", f.Reserved, plural, s.Name, s.Port)
	}
	if f.Shape.people() {
		s.checkouts(b, f, t)
	}
	fmt.Fprintln(b)
}

func (s *Server) checkouts(b *strings.Builder, f *Feature, t time.Time) {
	each := max(f.Each, 1)
	for i, start := range s.starts(f, t) {
		user, host := s.person(f, i)
		count := ""
		if each > 1 {
			count = fmt.Sprintf(", %d licenses", each)
		}
		fmt.Fprintf(b, "    %s %s %s (v%s) (%s/%d %d), start %s%s\n", user, host, host, f.Version,
			s.Name, s.Port, 101+100*i, start.In(s.Zone).Format("Mon 1/2 15:04"), count)
	}
}

// starts returns for each checkout open at t when it began. Checkouts behave
// like a stack: who came last leaves first.
func (s *Server) starts(f *Feature, t time.Time) []time.Time {
	each := max(f.Each, 1)
	open := int(s.use(f, t) / each)
	starts := make([]time.Time, open)
	began := time.Unix(t.Unix()-t.Unix()%grid, 0)
	oldest := t.Add(-lookBack)
	if s.Restart.After(oldest) && !s.Restart.After(t) {
		oldest = s.Restart
	}
	for at := began; open > 0; at = at.Add(-grid * time.Second) {
		before := at.Add(-grid * time.Second)
		if before.Before(oldest) {
			fill(starts[:open], oldest)
			break
		}
		if n := int(s.use(f, before) / each); n < open {
			fill(starts[n:open], at)
			open = n
		}
	}
	return starts
}

func fill(times []time.Time, t time.Time) {
	for i := range times {
		times[i] = t
	}
}

var (
	firstNames = strings.Fields("anna ben carla david emma felix gina hugo ines jonas karin liam maria nils olga paul rosa sven tara victor")
	lastNames  = strings.Fields("adler bauer costa dixon evans fischer gupta hansen ito jensen kumar lopez meyer novak okafor patel quinn rossi schmidt tanaka")
)

// person returns the user and host of the i-th checkout.
func (s *Server) person(f *Feature, i int) (user, host string) {
	k := (uint64(i)*7919 + f.id(s)) % uint64(len(firstNames)*len(lastNames))
	user = firstNames[k%uint64(len(firstNames))] + "." + lastNames[k/uint64(len(firstNames))]
	if f.Shape == Cluster {
		return user, fmt.Sprintf("node%03d", k%64)
	}
	return user, fmt.Sprintf("%s-WS%04d", strings.ToUpper(s.Site[:3]), k)
}

func licenses(n int64) string {
	if n == 1 {
		return "1 license"
	}
	return fmt.Sprintf("%d licenses", n)
}

// Server returns the server of that name, ignoring case.
func (e *Estate) Server(name string) (*Server, bool) {
	i := slices.IndexFunc(e.Servers, func(s *Server) bool { return strings.EqualFold(s.Name, name) })
	if i < 0 {
		return nil, false
	}
	return e.Servers[i], true
}
