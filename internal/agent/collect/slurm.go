package collect

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
)

// A Slurm reads the license counters of a Slurm cluster by its tools: scontrol
// for the counts, and the squeue beside it for who holds licenses. Any account
// may ask them; where the cluster hides the jobs of others (PrivateData), only
// the account's own jobs are listed as holders.
type Slurm struct {
	Scontrol string        // absolute path
	Conf     string        // slurm.conf, where the tools do not find it themselves; may be empty
	CodePage string        // of names that are not UTF-8; empty: windows-1252
	Timeout  time.Duration // of each tool; 0: DefaultTimeout
	Now      func() time.Time
}

// Read asks for the counts, then for the jobs, then for what the controller is.
// Counts without the jobs are a reading all the same.
func (r *Slurm) Read(ctx context.Context) (Result, error) {
	out, err := r.run(ctx, r.Scontrol, "show", "lic", "--oneliner")
	now := r.Now().Truncate(time.Second)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	status, err := slurm.ParseStatus(bytes.NewReader(out.Text), r.options())
	if err != nil {
		return failed(now, err.Error()), nil
	}
	res := oneServer(status, now)
	if res.Failure != "" {
		return res, nil
	}
	r.addJobs(ctx, &res)
	r.addController(ctx, &res.Server)
	return res, ctx.Err()
}

// addJobs adds who holds licenses or waits for them, as far as that is told.
func (r *Slurm) addJobs(ctx context.Context, res *Result) {
	q, err := r.jobs(ctx)
	if err != nil {
		res.Unlisted, res.Note = true, oneLine("the jobs were not read: "+err.Error())
		return
	}
	res.Snapshot.Holders = q.Holders
	if q.Unread.Total > 0 {
		res.Note = oneLine("of the jobs " + unread(q.Unread))
		return
	}
	waiting := map[license.Pool]int64{}
	for _, h := range q.Holders {
		if h.Kind == license.HolderQueued {
			waiting[h.Pool] += h.Licenses
		}
	}
	for i := range res.Snapshot.Readings {
		p := &res.Snapshot.Readings[i]
		p.Queued = license.Of(waiting[p.Pool])
	}
}

func (r *Slurm) jobs(ctx context.Context) (slurm.Queue, error) {
	squeue := filepath.Join(filepath.Dir(r.Scontrol), "squeue"+filepath.Ext(r.Scontrol))
	out, err := r.run(ctx, squeue, "--noheader", "--all", "--format", slurm.QueueFormat)
	if err != nil {
		return slurm.Queue{}, err
	}
	if out.Exit != 0 {
		return slurm.Queue{}, fmt.Errorf("%s (exit status %d)", bytes.TrimSpace(out.Text), out.Exit)
	}
	return slurm.ParseQueue(bytes.NewReader(out.Text), r.options())
}

// addController adds what the controller is, if that is told.
func (r *Slurm) addController(ctx context.Context, s *license.Server) {
	out, err := r.run(ctx, r.Scontrol, "show", "config")
	if err != nil {
		return
	}
	if told, err := slurm.ParseConfig(bytes.NewReader(out.Text), r.options()); err == nil {
		*s = told
	}
}

// run runs a tool. Its times are UTC, whatever the machine's zone is.
func (r *Slurm) run(ctx context.Context, tool string, args ...string) (Output, error) {
	c := Command{Path: tool, Args: args, Env: []string{"TZ=UTC", slurm.QueueEnv}, Timeout: r.Timeout}
	if r.Conf != "" {
		c.Env = append(c.Env, "SLURM_CONF="+r.Conf)
	}
	return c.Run(ctx)
}

func (r *Slurm) options() facts.Options {
	return facts.Options{Zone: time.UTC, CodePage: r.CodePage}
}
