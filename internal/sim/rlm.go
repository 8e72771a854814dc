package sim

import (
	"fmt"
	"strings"
	"time"
)

// rlmutil prints what rlmutil rlmstat -a does, in the server's own zone.
func (s *Server) rlmutil(t time.Time, args []string) (string, error) {
	if len(args) == 0 || args[0] != "rlmstat" {
		return "", wrongArgs("rlmutil", args)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Setting license file path to %d@%s\n", s.Port, s.Name)
	fmt.Fprintf(&b, "rlmutil v%s\nCopyright (C) 2006-2023, Reprise Software, Inc. All rights reserved.\n\n\n", s.Version)
	if s.Down(t) {
		fmt.Fprintf(&b, "Error connecting to \"rlm\" server\n\nConnection attempted to host: \"%s\" on port %d\n\n", s.Name, s.Port)
		return b.String(), nil
	}
	const rule = "\n\t------------------------\n\n"
	isvPort := s.Port + 47_000
	s.rlmServer(&b, t, "rlm", s.Port)
	fmt.Fprintf(&b, "\n\t--------- ISV servers ----------\n\t   Name           Port Running Restarts\n\t%-12s %7d   Yes      0\n", s.Daemon, isvPort)
	b.WriteString(rule)
	s.rlmServer(&b, t, s.Daemon, isvPort)
	fmt.Fprintf(&b, "\n%s\t%s license pool status on %s (port %d)\n\n", rule, s.Daemon, s.Name, isvPort)
	for i := range s.Features {
		s.rlmPool(&b, &s.Features[i], t)
	}
	fmt.Fprintf(&b, "\n%s\t%s license usage status on %s (port %d)\n\n", rule, s.Daemon, s.Name, isvPort)
	s.each(t, func(f *Feature, c Checkout) {
		fmt.Fprintf(&b, "\t%s v%s: %s@%s %d/0 at %s  (handle: %x)\n", f.Name, f.Version, c.User, c.Host, c.Licenses,
			c.Since.In(s.Zone).Format("01/02 15:04"), 0x41+c.Number)
	})
	return b.String(), nil
}

// rlmServer prints what rlm, or the server of the vendor, says of itself.
func (s *Server) rlmServer(b *strings.Builder, t time.Time, name string, port int) {
	started := s.started(t).In(s.Zone)
	heading, denied := name+" ISV server", len(s.Denials(started, t))
	if name == "rlm" {
		heading = name
	}
	up := rlmSpan(t.Sub(started))
	fmt.Fprintf(b, "\t%s status on %s (port %d), up %s\n", heading, s.Name, port, up)
	fmt.Fprintf(b, "\t%s software version v%s (build:2)\n\t%s comm version: v1.2\n", name, s.Version, name)
	if name != "rlm" {
		fmt.Fprintf(b, "\t%s Debug log filename: /var/log/rlm/%s.dlog\n\t%s Report log filename: <stdout>\n", name, name, name)
	}
	fmt.Fprintf(b, "\tStartup time: %s\n", started.Format(time.ANSIC))
	today := midnight(t.In(s.Zone))
	if today.Before(started) {
		today = started
	}
	fmt.Fprintf(b, "\tTodays Statistics (%s), init time: %s\n", rlmSpan(t.Sub(today)), today.Format(time.ANSIC))
	fmt.Fprintf(b, "\tRecent Statistics (%s), init time: %s\n\n", rlmSpan(t.Sub(today)), today.Format(time.ANSIC))
	fmt.Fprintf(b, "\t             Recent Stats         Todays Stats         Total Stats\n")
	fmt.Fprintf(b, "\t              %s             %s         %s\n", rlmSpan(t.Sub(today)), rlmSpan(t.Sub(today)), up)
	minutes := int64(t.Sub(started) / time.Minute)
	fmt.Fprintf(b, "\tMessages:    %d (0/sec)           %d (0/sec)          %d (0/sec)\n", minutes/500, minutes/30, minutes)
	fmt.Fprintf(b, "\tConnections: %d (0/sec)           %d (0/sec)          %d (0/sec)\n", minutes/900, minutes/60, minutes/2)
	if name != "rlm" {
		refused := len(s.Denials(today, t))
		fmt.Fprintf(b, "\tDenials:     %d (0/sec)           %d (0/sec)          %d (0/sec)\n", refused, refused, denied)
	}
}

func (s *Server) rlmPool(b *strings.Builder, f *Feature, t time.Time) {
	free := f.purchase(t).Installed - f.Reserved
	fmt.Fprintf(b, "\t%s v%s, pool: %s\n", f.Name, f.Version, f.Variant)
	fmt.Fprintf(b, "\t\tcount: %d, # reservations: %d, inuse: %d, exp: %s\n", free, f.Reserved, s.use(f, t), strings.ToLower(f.expires("2-Jan-2006", "permanent")))
	fmt.Fprintf(b, "\t\tobsolete: 0, min_remove: 120, total checkouts: %d\n", int64(t.Sub(s.started(t))/time.Hour)*f.room(t)/4)
}

// rlmSpan writes "20d 13:21:16", without the days where there are none.
func rlmSpan(d time.Duration) string {
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
	clock := fmt.Sprintf("%02d:%02d:%02d", rest/time.Hour, rest/time.Minute%60, rest/time.Second%60)
	if days == 0 {
		return clock
	}
	return fmt.Sprintf("%dd %s", days, clock)
}

// midnight is when the day of t began on its clock.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}
