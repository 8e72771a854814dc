package collect

import (
	"io"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/mathlm"
	"headroom/internal/format/rlm"
	"headroom/internal/format/sentinel"
	"headroom/internal/format/text"
)

// A LogOpener says how the logs of one format are read, of a license server in a
// zone (nil: what the format says, else the machine's), with a code page.
type LogOpener func(zone *time.Location, codePage string) (LogFormat, error)

// LogReaders leads from the names of the readers of logs to how they are read
// while they are written.
var LogReaders = map[string]LogOpener{
	"flexnet-log":    FlexNetLog,
	"rlm-report-log": RLMReportLog,
	"mathlm-log":     MathLMLog,
	"sentinel-log":   SentinelLog,
}

const (
	// minute is how coarse the times of some logs are.
	minute = time.Minute + 5*time.Second
	// quietDay is how long a log vouches for itself where nobody says how often
	// its license server writes: nobody comes or goes for a day at most.
	quietDay = 24 * time.Hour
)

// RLMReportLog says how the report log of a vendor's server under RLM is read. A
// server that runs writes the time every half hour.
func RLMReportLog(zone *time.Location, codePage string) (LogFormat, error) {
	return factsLog("rlm", zone, codePage, 2*time.Hour, func(r io.Reader, o facts.Options) (EventStream, error) { return rlm.NewReportLog(r, o) })
}

// RLMLog says how the debug log of vendors' servers under RLM is read: as a file,
// since the years of its lines are found from its end.
func RLMLog(zone *time.Location, codePage string) (LogFormat, error) {
	return factsLog("rlm", zone, codePage, 25*time.Hour, func(r io.Reader, o facts.Options) (EventStream, error) {
		if s, ok := r.(io.ReadSeeker); ok {
			return rlm.NewISVLog(s, o)
		}
		return nil, errNotTailed
	})
}

// MathLMLog says how the log of MathLM is read. Its times are GMT unless a zone
// is told.
func MathLMLog(zone *time.Location, codePage string) (LogFormat, error) {
	if zone == nil {
		zone = time.UTC
	}
	return factsLog("mathlm", zone, codePage, quietDay, func(r io.Reader, o facts.Options) (EventStream, error) { return mathlm.NewLog(r, o) })
}

// SentinelLog says how the usage log of Sentinel RMS is read.
func SentinelLog(zone *time.Location, codePage string) (LogFormat, error) {
	return factsLog("sentinel", zone, codePage, quietDay, func(r io.Reader, o facts.Options) (EventStream, error) { return sentinel.NewUsageLog(r, o) })
}

func factsLog(manager string, zone *time.Location, codePage string, silence time.Duration, open func(io.Reader, facts.Options) (EventStream, error)) (LogFormat, error) {
	if _, err := text.CodePage(codePage); err != nil {
		return LogFormat{}, err
	}
	if zone == nil {
		zone = time.Local
	}
	return LogFormat{
		Manager: manager, Silence: silence, Lag: minute,
		Open: func(r io.Reader, at time.Time) (EventStream, error) {
			return open(r, facts.Options{Zone: zone, At: at, CodePage: codePage})
		},
	}, nil
}
