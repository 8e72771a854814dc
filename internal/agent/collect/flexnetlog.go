package collect

import (
	"io"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
)

// FlexNetLog says how the debug log of a FlexNet license server is read. zone is
// the license server's, nil the machine's. A license server that runs writes at
// least every 6 hours.
func FlexNetLog(zone *time.Location, codePage string) (LogFormat, error) {
	o := flexnet.LogOptions{Zone: zone}
	if zone == nil {
		o.Zone = time.Local
	}
	if codePage != "" {
		var err error
		if o.CodePage, err = text.CodePage(codePage); err != nil {
			return LogFormat{}, err
		}
	}
	return LogFormat{
		Manager: "flexnet", Silence: 7 * time.Hour, Lag: 5 * time.Second,
		Open: func(r io.Reader, _ time.Time) (EventStream, error) { return flexnet.NewLogFacts(r, o), nil },
		Host: func(r io.Reader) (string, error) {
			head, err := flexnet.LogHead(r, o)
			return head.Host(), err
		},
	}, nil
}
