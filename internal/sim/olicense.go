package sim

import (
	"fmt"
	"strings"
	"time"
)

// olixtool prints what olixtool does, in the server's own zone. It tells no
// times of checkouts.
func (s *Server) olixtool(t time.Time, args []string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "olixtool %s - OLicense XML Status Application\nCopyright (C) 2007-2013 Optimum GmbH, Karlsruhe, Germany\n\n", s.Version)
	fmt.Fprintf(&b, "Server: <%s:%d:0> (Proxy: <>)\n\n", s.Name, s.Port)
	if s.Down(t) {
		b.WriteString("OlComm 454 Request cannot connect to target\n")
		return b.String(), nil
	}
	b.WriteString("List of requested licenses:\n")
	for i := range s.Features {
		f := &s.Features[i]
		fmt.Fprintf(&b, "\n%s\nApplication:\t%s\nVersionRange:\t0-%s\nLicenser:\t%s scientific software\n", strings.Repeat("=", 46), s.Daemon, f.Version, s.Daemon)
		fmt.Fprintf(&b, "Licensee:\tNorthwind Engineering\nLicense-ID:\t%s-%08x@%s\nModules:\n  Name; LicenseType; FloatCount; Expiration\n  %s\n",
			s.Daemon, uint32(f.seed), s.short(), strings.Repeat("-", 44))
		fmt.Fprintf(&b, "  %s;         \tFreeFloating;\t%d;\t%s 23:59:59;\n", f.Name, f.purchase(t).Installed, f.expires("2006-01-02", "9999-12-31"))
		all := s.Checkouts(f, t)
		if len(all) == 0 {
			continue
		}
		fmt.Fprintf(&b, "    %d FloatsLockedBy:\n", s.use(f, t))
		for _, c := range all {
			fmt.Fprintf(&b, "      %s@%s #%d\n", c.User, c.Host, c.Licenses)
		}
	}
	return b.String(), nil
}
