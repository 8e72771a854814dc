package usage

import "time"

const (
	// forkedFor is how long it is told that two have used an agent's identity: as long
	// as an agent keeps what it has sent.
	forkedFor = 14 * 24 * time.Hour
	// clockOff is from where on an agent's clock counts as wrong: what it stamps
	// itself is shifted then.
	clockOff = 5 * time.Minute
)

// WrongClock says whether the clock of a license server's agent is so far off that
// what the agent stamps itself is shifted. Of one that is away nobody knows.
func (s Server) WrongClock() bool {
	return s.Clock.Abs() > clockOff && s.Status != Removed && s.Status != Silent
}

// forked are license servers, one for each agent whose identity two have used
// lately.
func forked(servers []*server, now time.Time) []Server {
	return oneEach(servers, func(s Server) bool { return !s.Forked.IsZero() && now.Sub(s.Forked) < forkedFor && s.Status != Removed })
}

// wrongClocks are license servers, one for each agent whose clock is wrong.
func wrongClocks(servers []*server) []Server { return oneEach(servers, Server.WrongClock) }

// oneEach returns of each agent the first server of which something is true.
func oneEach(servers []*server, is func(Server) bool) (out []Server) {
	seen := map[string]bool{}
	for _, one := range servers {
		if is(one.Server) && !seen[one.Agent] {
			seen[one.Agent] = true
			out = append(out, one.Server)
		}
	}
	return out
}
