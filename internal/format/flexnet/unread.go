package flexnet

// An Unread line is one that no rule understood. It never costs the rest.
type Unread struct {
	Line int // counted from 1
	Text string
}
