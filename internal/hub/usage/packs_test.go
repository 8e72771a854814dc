package usage_test

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

func (e *estate) PackNumber(_ context.Context, org int64) (int64, error) {
	return 0, e.check(org)
}

func (e *estate) Heads(_ context.Context, org int64, since usage.Mark) iter.Seq2[usage.Head, error] {
	return func(yield func(usage.Head, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.Head{}, err)
			return
		}
		var all []usage.Head
		for server, days := range e.blocks {
			for day, b := range days {
				head, _, err := series.Split(b.bytes)
				if err != nil {
					yield(usage.Head{}, err)
					return
				}
				if b.version > since.Servers[server] {
					all = append(all, usage.Head{Server: server, Day: day, Version: b.version, Data: head})
				}
			}
		}
		slices.SortFunc(all, func(a, b usage.Head) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Server, b.Server))
		})
		for _, h := range all {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func (e *estate) Blocks(_ context.Context, org int64, day int32) iter.Seq2[usage.Block, error] {
	return func(yield func(usage.Block, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.Block{}, err)
			return
		}
		for _, server := range slices.Sorted(maps.Keys(e.blocks)) {
			b, ok := e.blocks[server][day]
			if !ok {
				continue
			}
			head, body, err := series.Split(b.bytes)
			if !yield(usage.Block{Server: server, Version: b.version, Head: head, Body: body}, err) || err != nil {
				return
			}
		}
	}
}
