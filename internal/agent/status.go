package agent

import (
	"context"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/wire"
)

// A Status is how an agent stands.
type Status struct {
	Version      string         `json:"version"`
	Running      bool           `json:"running"` // false: asked of the state folder, while no agent runs
	Hub          string         `json:"hub"`
	Sharing      bool           `json:"sharing"`
	Registration Standing       `json:"registration"`
	LastUpload   time.Time      `json:"last_upload,omitzero"`
	NextUpload   time.Time      `json:"next_upload,omitzero"`
	Failure      string         `json:"failure,omitempty"` // of the last exchange with the hub
	ClockAhead   time.Duration  `json:"clock_ahead_ns"`    // hub's clock minus ours
	Spool        spool.Stats    `json:"spool"`
	Servers      []ServerStatus `json:"servers"`
}

// A ServerStatus is how the reading of one license server stands.
type ServerStatus struct {
	Name     string        `json:"name"`
	GUID     string        `json:"guid"`
	Reader   string        `json:"reader"`
	Interval time.Duration `json:"interval_ns"`
	Tried    time.Time     `json:"tried,omitzero"`
	OK       bool          `json:"ok"`
	Reason   string        `json:"reason,omitempty"`
	Names    string        `json:"names"` // how names leave: clear, none, pseudonyms (key 3f2a91c0)
	LastGood time.Time     `json:"last_good,omitzero"`
	Hub      string        `json:"hub"` // approved, pending, removed; empty if not known

	Sources []SourceStatus `json:"sources,omitempty"` // where it is read by several
}

// Status says how everything stands. It asks nobody.
func (a *Agent) Status(context.Context) (Status, error) {
	out := Status{
		Version: a.options.Version, Hub: a.config.Hub, Registration: a.standing(), ClockAhead: a.client.Offset(), Spool: a.spool.Stats(),
	}
	a.mu.Lock()
	out.Sharing, out.LastUpload, out.Failure = a.state.Sharing, a.state.LastUpload, a.failure
	if out.Sharing && out.Registration.State == wire.RegistrationConfirmed {
		out.NextUpload = a.uploadDueLocked()
	}
	approved := a.approved
	a.mu.Unlock()
	for _, s := range a.sources {
		s.mu.Lock()
		one := ServerStatus{
			Name: s.config.Name, GUID: s.guid, Reader: s.config.Reader, Interval: time.Duration(s.config.Interval),
			OK: s.last.OK, Reason: s.last.Reason, LastGood: s.good, Hub: approved[s.guid],
			Sources: sourceStatuses(s.states),
			Names:   s.names.String(),
		}
		if s.last.At != 0 {
			one.Tried = time.Unix(s.last.At, 0).UTC()
		}
		s.mu.Unlock()
		out.Servers = append(out.Servers, one)
	}
	return out, nil
}
