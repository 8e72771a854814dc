package sim

import (
	"fmt"
	"strings"
	"time"
)

// monitorlm prints what monitorlm -format text does. Its date is GMT.
func (s *Server) monitorlm(t time.Time, args []string) (string, error) {
	if s.Down(t) {
		return fmt.Sprintf("Cannot connect to the MathLM server on %s.\n", s.Name), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Online help is available at\nhttp://reference.wolfram.com/network\n\n")
	fmt.Fprintf(&b, "MathLM Version %s\nMathLM Server %s\nDate : %s\n\n", s.Version, s.Name, t.UTC().Format("Monday, January 2 2006 15:04:05"))
	fmt.Fprintf(&b, "License Usage Summary:\n\n%-20s %-8s %8s %12s\n%-20s %-8s %8s %12s\n%s\n",
		"", "License", "Total", "Total", "Program", "Class", "in Use", "Authorized", strings.Repeat("-", 54))
	for i := range s.Features {
		f := &s.Features[i]
		fmt.Fprintf(&b, "%-20s %-8s %8d %12d\n", f.Name, f.Variant, s.use(f, t), f.purchase(t).Installed)
	}
	fmt.Fprintf(&b, "\nLicenses in Use:\n\n%-20s %-8s %-8s\n%-20s %-8s %-8s %-24s %-32s %s\n%s\n",
		"", "", "License", "Program", "Version", "Class", "Username", "Hostname", "Duration", strings.Repeat("-", 104))
	s.each(t, func(f *Feature, c Checkout) {
		ran := t.Sub(c.Since)
		fmt.Fprintf(&b, "%-20s %-8s %-8s %-24s %-32s %02d:%02d\n", f.Name, f.Version, f.Variant, c.User, c.Host, ran/time.Hour, ran/time.Minute%60)
	})
	return b.String(), nil
}
