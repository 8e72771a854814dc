package collect

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A FlexNet reads a FlexNet license server by its status tool.
type FlexNet struct {
	Tool    string // absolute path of lmutil, or of lmstat
	License string // port@host, a triad's three of them, or a license file
	// LicenseFile, if set, tells how much of a count is overdraft.
	LicenseFile string
	Host        string         // which server is meant, should the answer tell of several; may be empty
	Zone        *time.Location // set for the tool, so that its times are known; nil: the machine's
	CodePage    string         // of names that are not UTF-8; empty: windows-1252
	Timeout     time.Duration  // 0: DefaultTimeout
	Now         func() time.Time
}

// Read runs the tool once. Times in the result are the reader's own: the tool
// tells only minutes, by the clock of this machine.
func (r *FlexNet) Read(ctx context.Context) (Result, error) {
	out, err := r.command().Run(ctx)
	now := r.Now().Truncate(time.Second)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	zone := r.Zone
	if zone == nil {
		zone = time.Local
	}
	st, err := flexnet.ParseStatus(bytes.NewReader(out.Text), flexnet.StatusOptions{
		Zone: zone, Collected: now, CodePage: r.CodePage,
	})
	if err != nil {
		return failed(now, err.Error()), nil
	}
	res := statusResult(st, r.Host, now)
	if res.Failure != "" && out.Exit != 0 && len(st.Sections) == 0 {
		res.Failure = oneLine(fmt.Sprintf("%s (exit status %d)", res.Failure, out.Exit))
	}
	if res.HasSnapshot() {
		res.Snapshot.At, res.Own = now, true
	}
	return withOverdraft(res, r.LicenseFile, r.CodePage), nil
}

// withOverdraft adds what a license file tells, if there is one. One that
// cannot be read makes the reading fail: without it overdraft would turn into
// purchased licenses.
func withOverdraft(res Result, path, codePage string) Result {
	if path == "" || !res.HasSnapshot() {
		return res
	}
	if err := addOverdraft(&res.Snapshot, path, codePage); err != nil {
		return failed(res.At, err.Error())
	}
	return res
}

func (r *FlexNet) command() Command {
	args := []string{"lmstat", "-a", "-c", r.License}
	if name := strings.TrimSuffix(strings.ToLower(filepath.Base(r.Tool)), ".exe"); name == "lmstat" {
		args = args[1:]
	}
	c := Command{Path: r.Tool, Args: args, Timeout: r.Timeout}
	if r.Zone != nil {
		c.Env = []string{"TZ=" + r.Zone.String()}
	}
	return c
}

// statusResult turns a status into the result of one license server. at is
// when the text was taken.
func statusResult(st flexnet.Status, host string, at time.Time) Result {
	servers := flexnet.Snapshots(st)
	if host != "" && len(servers) > 1 {
		servers = slices.DeleteFunc(servers, func(s flexnet.ServerSnapshot) bool { return !serves(s.Server, host) })
	}
	switch {
	case st.Error != "":
		return failed(at, st.Error)
	case len(servers) == 0 && host != "":
		return failed(at, "the status tells nothing of "+host)
	case len(servers) == 0:
		return failed(at, "this is no status of a license server")
	case len(servers) > 1:
		var all []license.Server
		for _, s := range servers {
			all = append(all, s.Server)
		}
		return failed(at, severalServers("status", all))
	}
	s := servers[0]
	res := Result{At: at, Server: s.Server}
	switch {
	case s.State == flexnet.ServerDown:
		res.Failure = cmp.Or(s.Error, partError(s), "the license server is down")
	case len(s.Snapshot.Readings) == 0:
		res.Failure = cmp.Or(s.Error, partError(s), "the status lists no features")
	default:
		res.Snapshot = s.Snapshot
		if res.Snapshot.At.IsZero() {
			res.Snapshot.At = at
		}
	}
	res.Failure = oneLine(res.Failure)
	return res
}

// serves tells whether a host is one of a server's, by its full name or its
// first label.
func serves(s license.Server, host string) bool {
	host = license.FoldName(host)
	return slices.ContainsFunc(s.Hosts, func(h string) bool {
		h = license.FoldName(h)
		short, _, _ := strings.Cut(h, ".")
		return h == host || short == host
	})
}

// partError returns what a machine or a vendor daemon of the server says about
// itself, if that is an error.
func partError(s flexnet.ServerSnapshot) string {
	for _, m := range s.Servers {
		if m.Error != "" {
			return m.Host + ": " + m.Error
		}
	}
	for _, d := range s.Daemons {
		if d.Error != "" {
			return d.Name + ": " + d.Error
		}
	}
	return ""
}
