package main

import (
	"context"
	"slices"
	"time"
)

// An answerer answers the queries of the table.
type answerer interface {
	ask(ctx context.Context, q query, servers []int) (answer, error)
}

// asksRival asks a rival. It knows no filter that is open: a click asks
// everything anew.
type asksRival struct{ rival }

// ask implements answerer.
func (r asksRival) ask(ctx context.Context, q query, servers []int) (a answer, err error) {
	if q.Kind == aTrend {
		a.Days, err = r.Trend(ctx, servers, q.From, q.To)
	} else {
		a.Peak, err = r.Peak(ctx, servers, q.From, q.To)
	}
	return a, err
}

// patience is for how long a query is asked: when it is over, there is no further
// round.
const patience = 30 * time.Second

// measure asks a query in a number of rounds, after one that warms up, and
// keeps the answers of the first ones. There is one round at least, and no
// other once patience is over.
func measure(ctx context.Context, to answerer, e *estate, q query, rounds, keep int) (asking, error) {
	var out asking
	start := time.Now()
	if q.Kind != aToggle {
		if _, err := to.ask(ctx, q, e.choice(q, warmUp)); err != nil {
			return out, err
		}
	}
	for round := range rounds {
		if round > 0 && time.Since(start) > patience {
			break
		}
		if q.Kind == aToggle && opens(round) {
			if _, err := to.ask(ctx, q, e.opened(round)); err != nil {
				return out, err
			}
		}
		servers := e.choice(q, round)
		begin := time.Now()
		a, err := to.ask(ctx, q, servers)
		if err != nil {
			return out, err
		}
		out.Took = append(out.Took, time.Since(begin))
		if round < keep {
			out.Answers = append(out.Answers, a)
		}
	}
	return out, nil
}

// quantile returns the duration that a share of the rounds did not exceed.
func (a asking) quantile(share float64) time.Duration { return quantile(a.Took, share) }

// quantile returns the duration that a share of some did not exceed.
func quantile(took []time.Duration, share float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
