package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// lsmonTime is how lsmon writes a time.
const lsmonTime = "Mon Jan 02 15:04:05 2006"

// lsmon prints what lsmon does, in the server's own zone.
func (s *Server) lsmon(t time.Time, args []string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "  Sentinel RMS Development Kit %s Application Monitor\n  Copyright (C) 2020 Thales Group\n\n", s.Version)
	fmt.Fprintf(&b, " [Contacting Sentinel RMS Development Kit server on host \"%s\"]\n\n", s.Name)
	if s.Down(t) {
		fmt.Fprintf(&b, " Cannot talk to the license server on host \"%s\". Server not running??\n", s.Name)
		return b.String(), nil
	}
	for i := range s.Features {
		s.lsmonFeature(&b, &s.Features[i], t)
	}
	return b.String(), nil
}

func (s *Server) lsmonFeature(b *strings.Builder, f *Feature, t time.Time) {
	installed := f.purchase(t).Installed
	open, waiting := s.demand(f, t)
	borrowed := min(int64(f.Borrowed), open) * f.each()
	line := func(indent int, key string, value any) {
		fmt.Fprintf(b, "%*s|- %-30s : %v\n", indent, "", key, value)
	}
	expires := "License has no expiration"
	if !f.Expiry.IsZero() {
		expires = f.Expiry.Add(24*time.Hour - time.Second).Format(lsmonTime)
	}
	fmt.Fprintf(b, "\n |- Feature Information\n")
	line(3, "Feature name", fmt.Sprintf("%q  \t", f.Name))
	line(3, "Feature version", fmt.Sprintf("%q\n", f.Variant))
	line(3, "License type", `"Normal License" `)
	line(3, "Commuter license allowed", "YES")
	line(3, "Maximum concurrent user(s)", installed)
	line(3, "Unreserved tokens in use", open*f.each())
	line(3, "Available unreserved", installed-open*f.each())
	line(3, "Commuter tokens in use", borrowed)
	line(3, "Unreserved tokens in queue", waiting*f.each())
	line(3, "Reserved tokens in use", 0)
	line(3, "Available reserved", 0)
	line(3, "Reserved tokens in queue", 0)
	line(3, "Soft limit on users", "Unlimited")
	line(3, "Expiration date", expires)
	line(3, "Sharing criterion", "No sharing.")
	line(3, "Token lifetime (heartbeat)", "300 secs (5 min(s))")
	fmt.Fprintf(b, "\n   |- License Information\n")
	line(5, "License Hash", fmt.Sprintf("%016X", f.chance(ofHabit, 0)))
	line(5, "License status", "Active")
	line(5, "Maximum concurrent user(s)", installed)
	line(5, "Expiration date", expires)
	for _, c := range s.Checkouts(f, t) {
		s.lsmonClient(b, c, line)
	}
}

func (s *Server) lsmonClient(b *strings.Builder, c Checkout, line func(indent int, key string, value any)) {
	queued := c.Kind == license.HolderQueued
	heading, status, tokens := "Client Information", "Running since ", "Number of tokens used"
	if queued {
		heading, status, tokens = "Queued Client Information", "Queued since ", "No of tokens requested"
	}
	fmt.Fprintf(b, "\n   |- %s\n", heading)
	line(5, "User name", c.User)
	line(5, "Host name", c.Host)
	line(5, "X display name", "local")
	line(5, "Group name", "DefaultGrp")
	line(5, "Status", status+c.Since.In(s.Zone).Format(lsmonTime)+" ")
	line(5, tokens, c.Licenses)
	switch {
	case c.Kind == license.HolderBorrowed:
		line(5, "Is commuter token", "YES")
	case !queued:
		line(5, "Is commuter token", "NO")
	}
}
