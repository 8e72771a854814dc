package license

import "time"

// An Assignment is a license that is given to one user or device: a
// user/device license for its lease, a named user license until it is taken
// back.
type Assignment struct {
	Pool   Pool
	Daemon string // as in Reading
	Kind   AssigneeKind
	Name   string    // as the source writes it; FoldName gives the identity
	First  time.Time // when it was assigned first; zero if the source does not tell
	Last   time.Time // see Assignments.LastIs; zero if the source does not tell
}

// An AssigneeKind says to what a license is assigned.
type AssigneeKind string

// The kinds of assignee.
const (
	AssignedUser   AssigneeKind = "user"
	AssignedDevice AssigneeKind = "device"
)

// Assignments are those of one license server at one instant.
type Assignments struct {
	At        time.Time // of the source's own data, which may be older than the question
	Complete  bool      // who is not in List is not assigned
	Truncated bool      // names of users stand without their domain: people of two domains may be one
	Lease     time.Duration
	LastIs    LastKind
	List      []Assignment
}

// A LastKind says what the last stamp of an assignment stands for.
type LastKind string

// The kinds of last stamp.
const (
	LastRequest LastKind = "request" // a license was asked for
	LastLogin   LastKind = "login"
	LastUse     LastKind = "use"
)
