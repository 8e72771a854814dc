package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// borrowPeriod is for how long licenses are taken off line.
const borrowPeriod = 90 * 24 * time.Hour

// lmutil prints what lmutil lmstat -a does, in the server's own zone. A server
// that is down gives the text of the error.
func (s *Server) lmutil(t time.Time, args []string) (string, error) {
	if len(args) == 0 || args[0] != "lmstat" {
		return "", wrongArgs("lmutil", args)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "lmutil - Copyright (c) 1989-2023 Flexera. All Rights Reserved.\n")
	fmt.Fprintf(&b, "Flexible License Manager status on %s\n\n", t.In(s.Zone).Format("Mon 1/2/2006 15:04"))
	fmt.Fprintf(&b, "[Detecting lmgrd processes...]\n")
	fmt.Fprintf(&b, "License server status: %d@%s\n", s.Port, s.Name)
	if s.Down(t) {
		fmt.Fprintf(&b, "lmgrd is not running: Cannot connect to license server system. (-15,570:111 \"Connection refused\")\n")
		return b.String(), nil
	}
	fmt.Fprintf(&b, "    License file(s) on %s: /opt/licenses/%s.lic:\n\n", s.Name, s.Daemon)
	fmt.Fprintf(&b, "%s: license server UP (MASTER) v%s\n\n", s.Name, s.Version)
	fmt.Fprintf(&b, "Vendor daemon status (on %s):\n\n", s.short())
	fmt.Fprintf(&b, "%10s: UP v%s\n\n", s.Daemon, s.Version)
	fmt.Fprintf(&b, "Feature usage info:\n\n")
	for i := range s.Features {
		s.lmstatFeature(&b, &s.Features[i], t)
	}
	return b.String(), nil
}

func (s *Server) lmstatFeature(b *strings.Builder, f *Feature, t time.Time) {
	if f.Uncounted {
		fmt.Fprintf(b, "Users of %s:  (Uncounted, node-locked)\n\n", f.Name)
		return
	}
	installed, inUse := f.purchase(t).Installed, s.use(f, t)+f.Reserved
	fmt.Fprintf(b, "Users of %s:  (Total of %s issued;  Total of %s in use)\n\n", f.Name, licenses(installed), licenses(inUse))
	all := s.Checkouts(f, t)
	if f.Reserved == 0 && len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "  \"%s\" v%s, vendor: %s, expiry: %s\n", f.Name, f.Version, s.Daemon, strings.ToLower(f.expires("2-Jan-2006", "permanent")))
	fmt.Fprintf(b, "  floating license\n\n")
	if f.Reserved > 0 {
		plural := "s"
		if f.Reserved == 1 {
			plural = ""
		}
		fmt.Fprintf(b, "        %d RESERVATION%s for %s (%s/%d)\n", f.Reserved, plural, group, s.Name, s.Port)
	}
	for _, c := range all {
		s.lmstatCheckout(b, f, c, t)
	}
	fmt.Fprintln(b)
}

func (s *Server) lmstatCheckout(b *strings.Builder, f *Feature, c Checkout, t time.Time) {
	fmt.Fprintf(b, "    %s %s %s ", c.User, c.Host, c.Host)
	at := fmt.Sprintf("(v%s) (%s/%d %d)", f.Version, s.Name, s.Port, 101+100*c.Number)
	if c.Kind == license.HolderQueued {
		fmt.Fprintf(b, "%s %s queued for %s\n", f.Version, at, licenses(c.Licenses))
		return
	}
	fmt.Fprintf(b, "%s, start %s", at, c.Since.In(s.Zone).Format("Mon 1/2 15:04"))
	if c.Licenses > 1 {
		fmt.Fprintf(b, ", %d licenses", c.Licenses)
	}
	if c.Kind == license.HolderBorrowed {
		left := borrowPeriod - t.Sub(c.Since).Truncate(time.Second)
		fmt.Fprintf(b, " (linger: %d / %d)", left/time.Second, borrowPeriod/time.Second)
	}
	fmt.Fprintln(b)
}

func licenses(n int64) string {
	if n == 1 {
		return "1 license"
	}
	return fmt.Sprintf("%d licenses", n)
}
