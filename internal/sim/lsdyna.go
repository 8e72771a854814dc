package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// lsdynaPrograms draw from the one pool of an LSTC license server. Jobs are of
// the first.
var lsdynaPrograms = []string{"MPPDYNA", "MPPDYNA_971", "LS-DYNA", "LS-DYNA_971"}

// qrun prints what lstc_qrun -r does of a server with one feature. It tells no
// times, and of those who wait only how many CPUs they ask for.
func (s *Server) qrun(t time.Time, args []string) (string, error) {
	if len(args) != 1 || args[0] != "-r" {
		return "", wrongArgs("lstc_qrun", args)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Using user specified server %d@%s\n", s.Port, s.Name)
	if s.Down(t) {
		fmt.Fprintf(&b, "*** ERROR failed to open server %s\n", s.Name)
		return b.String(), nil
	}
	f := &s.Features[0]
	open, waiting := s.demand(f, t)
	most := f.purchase(t).Installed
	free, queue := most-open*f.each(), waiting*f.each()
	fmt.Fprintf(&b, "\nLICENSE INFORMATION\n\nPROGRAM          EXPIRATION CPUS  USED   FREE    MAX | QUEUE\n---------------- ----------      ----- ------ ------ | -----\n")
	for i, program := range lsdynaPrograms {
		used, inQueue := "0", int64(0)
		if i == 0 {
			inQueue = queue
		}
		if i == 0 && open > 0 {
			used = "-"
		}
		fmt.Fprintf(&b, "%-16s %-10s      %5s %6d %6d | %5d\n", program, f.Expiry.Format("01/02/2006"), used, free, most, inQueue)
		if i > 0 {
			continue
		}
		for _, c := range s.Checkouts(f, t) {
			if c.Kind != license.HolderQueued {
				fmt.Fprintf(&b, " %-12s %7d@%s %d\n", c.User, 9000+131*c.Number, c.Host, c.Licenses)
			}
		}
	}
	fmt.Fprintf(&b, "%32s %5d %6d %6d | %5d\n", "LICENSE GROUP", open*f.each(), free, most, queue)
	return b.String(), nil
}
