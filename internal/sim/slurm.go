package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// slurmTime is how Slurm writes an instant; the agents ask for UTC.
const slurmTime = "2006-01-02T15:04:05"

// scontrol prints the license counters of the cluster, or what its controller
// is. A cluster whose controller is down gives the text of the error.
func (s *Server) scontrol(t time.Time, args []string) (string, error) {
	what := strings.Join(args, " ")
	if what != "show lic --oneliner" && what != "show config" {
		return "", wrongArgs("scontrol", args)
	}
	if s.Down(t) {
		return "slurm_load_licenses error: Unable to contact slurm controller (connect failure)\n", nil
	}
	var b strings.Builder
	if what == "show config" {
		fmt.Fprintf(&b, "Configuration data as of %s\nClusterName             = %s\nSlurmctldHost[0]        = %s\nSlurmctldPort           = %d\nSLURM_VERSION           = %s\n",
			t.UTC().Format(slurmTime), s.Site, s.Name, s.Port, s.Version)
		return b.String(), nil
	}
	for i := range s.Features {
		f := &s.Features[i]
		total, used := f.purchase(t).Installed, s.use(f, t)
		fmt.Fprintf(&b, "LicenseName=%s Total=%d Used=%d Free=%d Reserved=0 Remote=no\n", f.Name, total, used, total-used)
	}
	return b.String(), nil
}

// squeue prints the jobs of the cluster in the columns that the agents ask for:
// job, user, licenses, state, reason, first host, start, submission.
func (s *Server) squeue(t time.Time, args []string) (string, error) {
	if s.Down(t) {
		return "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n", nil
	}
	var b strings.Builder
	s.each(t, func(f *Feature, c Checkout) {
		since := c.Since.UTC().Format(slurmTime)
		state, reason, host, start := "RUNNING", "None", c.Host, since
		if c.Kind == license.HolderQueued {
			state, reason, host, start = "PENDING", "Licenses", "n/a", "N/A"
		}
		fmt.Fprintf(&b, "%d\t%s\t%s:%d\t%s\t%s\t%s\t%s\t%s\n", 180_000+f.seed%9000+uint64(c.Number), c.User, f.Name, c.Licenses, state, reason, host, start, since)
	})
	return b.String(), nil
}
