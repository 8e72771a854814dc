package ingest

import (
	"slices"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// maxSources is more than any server is read by.
const maxSources = 100

// maxLease is longer than any lease.
const maxLease = 100 * 366 * 24 * 3600

var lastKinds = []license.LastKind{"", license.LastRequest, license.LastLogin, license.LastUse}

// assignments believes to whom licenses are assigned. Their stamps are the
// source's own and are never shifted.
func (b *builder) assignments(r *wire.Assignments) error {
	b.about(b.line, wire.KindAssignments, wire.PoolKey{})
	shift, err := b.clock(r.Own, r.At, r.OffsetMS)
	if err != nil {
		return err
	}
	at := r.At + shift
	if err := b.instant("the instant", at); err != nil {
		return err
	}
	switch {
	case r.Lease < 0 || r.Lease > maxLease:
		return b.no("a lease of %d seconds", r.Lease)
	case !slices.Contains(lastKinds, r.LastIs):
		return b.no("a last %.40q is not known to this hub; update the hub", r.LastIs)
	}
	out := Assignments{At: at, Complete: r.Complete, Truncated: r.Truncated, Lease: r.Lease, LastIs: r.LastIs}
	if out.Assigned, err = b.assignees(r.Assigned, at); err != nil {
		return err
	}
	if out.Ended, err = b.assignees(r.Ended, at); err != nil {
		return err
	}
	b.batch.Assignments = append(b.batch.Assignments, out)
	return nil
}

func (b *builder) assignees(lists []wire.Assigned, at int64) ([]Assignee, error) {
	var out []Assignee
	for i := range lists {
		l := &lists[i]
		b.about(b.line, wire.KindAssignments, l.PoolKey)
		if err := b.assigned(l); err != nil {
			return nil, err
		}
		if err := b.touch(nil, int64(len(l.Names))); err != nil {
			return nil, err
		}
		place := b.pool(l.PoolKey, l.Vendor, 0, at)
		for j, name := range l.Names {
			a := Assignee{Pool: place, Kind: l.Who, Name: name}
			if len(l.First) > 0 {
				a.First = l.First[j]
			}
			if len(l.Last) > 0 {
				a.Last = l.Last[j]
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// sources believes how the sources of a server stand, of the newest list.
func (b *builder) sources(r *wire.Sources) error {
	b.about(b.line, wire.KindSources, wire.PoolKey{})
	shift, err := b.clock(true, r.At, r.OffsetMS)
	if err != nil {
		return err
	}
	at := r.At + shift
	if err := b.instant("the instant", at); err != nil {
		return err
	}
	if len(r.Sources) > maxSources {
		return b.no("%d sources; at most %d are believed", len(r.Sources), maxSources)
	}
	list := make([]Source, len(r.Sources))
	for i, s := range r.Sources {
		if err := b.texts(s.Name, s.Failure, s.Remark); err != nil {
			return err
		}
		if err := b.instant("the time of asking", s.At+shift); err != nil {
			return err
		}
		if s.Age < 0 || s.Age > maxLease {
			return b.no("data that were %d seconds old", s.Age)
		}
		list[i] = Source{Name: s.Name, At: s.At + shift, Age: s.Age, Failure: s.Failure, Remark: s.Remark, Absent: s.Absent}
	}
	if b.batch.Sources == nil || at > b.batch.Sources.At {
		b.batch.Sources = &Sources{At: at, List: list}
	}
	return nil
}
