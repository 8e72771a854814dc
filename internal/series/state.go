package series

import "headroom/internal/license"

// HeldState is the state in which nothing matters of a pool's past but one live
// reading: its terms, and its use until the instant at which it holds no more.
func HeldState(t Terms, use, until int64) State {
	return State{
		live: held{terms: t, inUse: license.Of(use), until: until}, reserved: t.Reserves(), told: t.Told(),
	}
}

// Held is the inverse of HeldState. The terms are those that were told last
// where the reading holds no more; ok is false where the state is another one.
func (s *State) Held() (t Terms, use, until int64, ok bool) {
	if s.imported != (held{}) || s.ended {
		return Terms{}, 0, 0, false
	}
	if s.live == (held{}) {
		return s.told, 0, 0, s.told.State != license.StateUnknown && !s.reserved
	}
	t = s.live.terms
	return t, s.live.inUse.N, s.live.until, s.live.inUse.Known && !s.live.gone && s.told == t.Told() && s.reserved == t.Reserves()
}

// EndedState is the state of a pool that a complete live reading did not have;
// the reading holds until an instant.
func EndedState(until int64) State {
	return State{ended: true, live: held{gone: true, until: until}}
}

// Ended is the inverse of EndedState. Until is 0 where no reading holds any
// more.
func (s *State) Ended() (until int64, ok bool) {
	until = s.live.until
	s0 := *s
	s0.live = held{}
	return until, s0 == State{ended: true} && (s.live == held{} || s.live.gone)
}

// Until returns the instant from which no reading holds.
func (s *State) Until() int64 { return max(s.live.until, s.imported.until) }

// Told returns what is known of a pool when no reading holds any more: that it
// has ended, or what was told last as a piece of which the rest is not set.
func (s *State) Told() (ended bool, told Piece) { return s.ended, s.told.piece() }

// Expire forgets the readings that hold no more at an instant.
func (s *State) Expire(at int64) { s.expire(at) }
