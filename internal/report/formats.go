package report

import (
	"io"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/dsls"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/lmx"
	"headroom/internal/format/lsdyna"
	"headroom/internal/format/mathlm"
	"headroom/internal/format/olicense"
	"headroom/internal/format/relay"
	"headroom/internal/format/rlm"
	"headroom/internal/format/sentinel"
	"headroom/internal/format/slurm"
)

// A statusParser reads what a status tool printed.
type statusParser func(io.Reader, facts.Options) (facts.Output, error)

// statusParsers are the formats that are one run of a status tool. FlexNet's has
// more to say line by line and is read by its own functions there. Our own JSON
// can tell more than a status: generic.go.
var statusParsers = map[format.Format]statusParser{
	format.DSLSStatus:     dsls.ParseStatus,
	format.LMXStatus:      lmx.ParseStatus,
	format.LSDynaStatus:   lsdyna.ParseStatus,
	format.MathLMStatus:   inGMT(mathlm.ParseStatus),
	format.OLicenseStatus: olicense.ParseStatus,
	format.RLMStatus:      rlm.ParseStatus,
	format.SentinelStatus: sentinel.ParseStatus,
	format.SlurmStatus:    slurm.ParseStatus,
	format.RelayStatus:    relay.ParseStatus,
}

// inGMT is for a license manager whose times are GMT wherever it runs.
func inGMT(parse statusParser) statusParser {
	return func(r io.Reader, o facts.Options) (facts.Output, error) {
		o.Zone = time.UTC
		return parse(r, o)
	}
}

// An eventLog is a log that is read event by event.
type eventLog interface {
	Next() (facts.Event, error)
	Lines() int
	Unread() facts.UnreadLines
}

// A logFormat says how the logs of a license manager are read.
type logFormat struct {
	manager string // as in license.Server
	open    func(io.ReadSeeker, facts.Options) (eventLog, error)
	// silence is how long the log vouches for its last line; 0: for ever. A
	// report log of RLM has a line every half hour.
	silence time.Duration
}

// logFormats are the formats that are logs, but FlexNet's, whose logs are large:
// its reader adds up by itself.
var logFormats = map[format.Format]logFormat{
	format.RLMLog: {manager: "rlm", open: func(r io.ReadSeeker, o facts.Options) (eventLog, error) {
		return rlm.NewISVLog(r, o)
	}},
	format.RLMReportLog: {manager: "rlm", silence: 2 * time.Hour, open: func(r io.ReadSeeker, o facts.Options) (eventLog, error) {
		return rlm.NewReportLog(r, o)
	}},
	format.SentinelLog: {manager: "sentinel", open: func(r io.ReadSeeker, o facts.Options) (eventLog, error) {
		return sentinel.NewUsageLog(r, o)
	}},
	format.MathLMLog: {manager: "mathlm", open: func(r io.ReadSeeker, o facts.Options) (eventLog, error) {
		o.Zone = time.UTC
		return mathlm.NewLog(r, o)
	}},
}

// facts are the options as the parsers have them.
func (in *input) facts(o Options) facts.Options {
	return facts.Options{Zone: o.zone(), At: in.At, CodePage: o.CodePage}
}

// flexnetOutput is an lmstat output in the shape that all statuses share. The
// name of a license server of three is its master's.
func flexnetOutput(s flexnet.Status) facts.Output {
	out := facts.Output{Error: s.Error, Lines: s.Lines, Unread: facts.UnreadLines{First: s.Unread, Total: s.UnreadTotal}}
	for _, n := range flexnet.Snapshots(s) {
		n.Server.Name = masterOf(n)
		out.Servers = append(out.Servers, facts.Status{
			Server: n.Server, Error: n.Error, Partial: daemonsDown(n.Daemons), Snapshot: n.Snapshot, Terms: n.Terms,
		})
	}
	return out
}

// masterOf returns the server that answers for all, else the first that is up;
// empty if there is none.
func masterOf(n flexnet.ServerSnapshot) string {
	best := ""
	for _, up := range n.Servers {
		if up.Master {
			return up.Host
		}
		if best == "" && up.Up {
			best = up.Host
		}
	}
	return best
}
