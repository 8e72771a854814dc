package agent

import (
	"slices"
	"time"

	"headroom/internal/agent/collect"
	"headroom/internal/wire"
)

// A SourceStatus is how one of the sources of a license server stands.
type SourceStatus struct {
	Name    string        `json:"name"`
	Asked   time.Time     `json:"asked"`
	Age     time.Duration `json:"age_ns,omitempty"` // of its data then
	Failure string        `json:"failure,omitempty"`
	Absent  bool          `json:"absent,omitempty"` // it is not there
	Remark  string        `json:"remark,omitempty"`
}

// after returns states with newer ones in the place of those of the same name:
// not every source is asked each time.
func after(old, newer []collect.SourceState) []collect.SourceState {
	out := slices.Clone(old)
	for _, s := range newer {
		i := slices.IndexFunc(out, func(o collect.SourceState) bool { return o.Name == s.Name })
		if i < 0 {
			out = append(out, s)
			continue
		}
		out[i] = s
	}
	return out
}

// sourceRecord says how a server's sources stand, all of them: the hub keeps
// the newest record.
func sourceRecord(states []collect.SourceState, at time.Time, offset int64) *wire.Sources {
	out := &wire.Sources{At: at.Unix(), OffsetMS: offset}
	for _, s := range states {
		out.Sources = append(out.Sources, wire.Source{
			Name: fit(s.Name), At: s.At.Unix(), Age: int64(s.Age / time.Second), Failure: fit(s.Failure), Absent: s.Absent, Remark: fit(s.Remark),
		})
	}
	return out
}

func sourceStatuses(states []collect.SourceState) []SourceStatus {
	var out []SourceStatus
	for _, s := range states {
		out = append(out, SourceStatus{Name: s.Name, Asked: s.At, Age: s.Age, Failure: s.Failure, Absent: s.Absent, Remark: s.Remark})
	}
	return out
}
