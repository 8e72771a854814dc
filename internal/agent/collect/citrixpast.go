package collect

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/format/citrix"
)

// The license server keeps its own samples, for half a year or longer. They are
// read once, from the newest to the oldest, a part at a time; Resume says what
// is left.
const (
	pastDone  = "the past is read"
	pastUntil = "past before " // and the end of the part that comes next

	pastPart  = 30 * 24 * time.Hour
	pastLimit = 400 * 24 * time.Hour // no license server is known to keep more by default
	pastEvery = 15 * time.Minute     // between two samples, unless the license server tells it
)

// readPast reads one part of the past. A part that fails is tried again with
// the next reading; where the SDK is not there, there is no past to be had.
func (r *Citrix) readPast(ctx context.Context) (Result, error) {
	now := r.Now().UTC().Truncate(time.Second)
	to, oldest := r.pastTo(now), now.Add(-pastLimit)
	from := to.Add(-pastPart)
	span := from.Format(time.RFC3339) + "/" + to.Format(time.RFC3339)
	answers, err := r.run(ctx, []string{citrix.SourceSampling, citrix.SourceHistory}, span)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	res := Result{At: now, HistoryEvery: pastEvery}
	state := SourceState{Name: citrix.SourceHistory, At: now}
	if err != nil {
		state.Failure = oneLine(err.Error())
	}
	earliest := time.Time{}
	for _, a := range answers {
		if a.Source == citrix.SourceSampling && a.Sampling.Every > 0 {
			res.HistoryEvery = a.Sampling.Every
		}
		if a.Source == citrix.SourceHistory {
			state, earliest = stateOf(a, now), a.Earliest
			res.History = citrix.Snapshots(a.Past)
		}
	}
	switch {
	case state.Failure != "":
		res.Sources = []SourceState{state}
		return res, nil
	case state.Absent, !earliest.IsZero() && !earliest.Before(from), len(res.History) == 0 && earliest.IsZero(), !from.After(oldest):
		r.Resume = pastDone
	default:
		r.Resume = pastUntil + from.Format(time.RFC3339)
		state.Remark = fmt.Sprintf("read back to %s", from.Format("2006-01-02"))
	}
	res.Resume, res.Sources = r.Resume, []SourceState{state}
	r.past = r.Resume != pastDone
	res.More = r.past
	return res, nil
}

// pastTo returns the end of the part that comes next.
func (r *Citrix) pastTo(now time.Time) time.Time {
	if len(r.Resume) > len(pastUntil) {
		if to, err := time.Parse(time.RFC3339, r.Resume[len(pastUntil):]); err == nil {
			return to
		}
	}
	return now
}
