package agent

import (
	"slices"
	"time"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// wholeEvery is how often the hub is told of all assignments of a server.
// Between that it is told what has changed: the lists of large companies are
// long, and every quarter of an hour only few lines of them are new.
const wholeEvery = 24 * time.Hour

// A roster is what the hub was told of a server's assignments, as far as this
// process knows. Its zero value knows nothing. It is never changed: a new one
// takes its place when what it stands for is safe.
type roster struct {
	told  map[assignee]license.Assignment
	whole time.Time // when all were told
}

// An assignee is who has a license of a pool.
type assignee struct {
	pool license.Pool
	kind license.AssigneeKind
	name string // folded
}

func assigneeOf(a license.Assignment) assignee {
	return assignee{a.Pool, a.Kind, license.FoldName(a.Name)}
}

// next returns what the hub has to be told of new assignments, and the roster
// that is right once that is safe. Nobody's assignment ends because a list is
// not complete. own says that their instant is by the agent's clock.
func (r roster) next(a license.Assignments, own bool, offset int64) ([]wire.Record, roster) {
	now := roster{told: make(map[assignee]license.Assignment, len(a.List)), whole: r.whole}
	for _, one := range a.List {
		now.told[assigneeOf(one)] = one
	}
	var assigned, ended []license.Assignment
	complete := a.Complete && (r.told == nil || a.At.Sub(r.whole) >= wholeEvery)
	for who, one := range now.told {
		if was, ok := r.told[who]; complete || !ok || !was.Last.Equal(one.Last) || !was.First.Equal(one.First) {
			assigned = append(assigned, one)
		}
	}
	for who, was := range r.told {
		switch _, still := now.told[who]; {
		case still:
		case a.Complete:
			ended = append(ended, was)
		default:
			now.told[who] = was
		}
	}
	if complete {
		now.whole, ended = a.At, nil
	}
	if len(assigned)+len(ended) == 0 && !complete {
		return nil, now
	}
	return assignments(a, assigned, ended, complete, own, offset), now
}

// maxNames is how many names one record has at most: they are to stay below
// wire.MaxRecordBytes however long they are.
const maxNames = 5000

// assignments makes records of at most maxNames names each. The last one says
// that they are complete, if they are.
func assignments(a license.Assignments, assigned, ended []license.Assignment, complete, own bool, offset int64) []wire.Record {
	var out []wire.Record
	add := func(assigned, ended []wire.Assigned) {
		out = append(out, &wire.Assignments{
			At: a.At.Unix(), Own: own, OffsetMS: offset, Truncated: a.Truncated, Lease: int64(a.Lease / time.Second), LastIs: a.LastIs,
			Assigned: assigned, Ended: ended,
		})
	}
	for part := range slices.Chunk(sorted(assigned), maxNames) {
		add(lists(part), nil)
	}
	for part := range slices.Chunk(sorted(ended), maxNames) {
		add(nil, lists(part))
	}
	if len(out) == 0 {
		add(nil, nil) // nobody has a license
	}
	if complete {
		out[len(out)-1].(*wire.Assignments).Complete = true
	}
	return out
}

// sorted puts assignments in one order, so that those of a pool stand together.
func sorted(list []license.Assignment) []license.Assignment {
	slices.SortFunc(list, func(a, b license.Assignment) int { return compare(assigneeOf(a), assigneeOf(b)) })
	return list
}

func compare(a, b assignee) int {
	return slices.Compare(
		[]string{a.pool.Feature, a.pool.Daemon, a.pool.Variant, string(a.kind), a.name},
		[]string{b.pool.Feature, b.pool.Daemon, b.pool.Variant, string(b.kind), b.name})
}

// lists puts the assignments of each pool and kind into one list.
func lists(list []license.Assignment) []wire.Assigned {
	var out []wire.Assigned
	for _, a := range list {
		n := len(out)
		if n == 0 || out[n-1].PoolKey != poolKey(a.Pool) || out[n-1].Who != a.Kind {
			out = append(out, wire.Assigned{PoolKey: poolKey(a.Pool), Vendor: a.Daemon, Who: a.Kind})
			n++
		}
		l := &out[n-1]
		l.Names = append(l.Names, fit(a.Name))
		l.First, l.Last = append(l.First, seconds(a.First)), append(l.Last, seconds(a.Last))
	}
	for i := range out {
		for _, times := range []*[]int64{&out[i].First, &out[i].Last} {
			if !slices.ContainsFunc(*times, func(t int64) bool { return t != 0 }) {
				*times = nil
			}
		}
	}
	return out
}

// seconds is a time as the wire has it: 0 where it is not told.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
