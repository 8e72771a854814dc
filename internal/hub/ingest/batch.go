package ingest

import (
	"time"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A Batch is what was believed of a batch. Instants of the source are Unix
// seconds, 0 where nothing is told.
type Batch struct {
	Org, Agent int64
	ID
	Hash     []byte    // SHA-256 of the body as it was sent
	Received time.Time // by the hub's clock
	Server   string    // GUID
	Gone     []ID      // batches of the agent that will never come, their records included
	Records  int
	Unknown  int
	Values   int // instants times pools and the like: what keeping it costs

	// Pools are the pools that the batch names. Inside the batch, the PoolID of
	// Pools[i] is i.
	Pools   []Pool
	Days    []series.Day // ascending, as series.Builder makes them
	Reading int64        // newest successful live reading
	Failed  Failure      // newest failed one
	Offset  Offset       // newest one told
	Info    *Info        // newest one told; nil if none
	Holders *Holders     // newest list; nil if none
	Denials []Denial
	Gaps    []Gap

	Assignments []Assignments
	Sources     *Sources // newest list; nil if none
	Names       []Names  // all that were told
}

// An ID names a batch of an agent.
type ID struct {
	Epoch string
	Seq   uint64 // from 1 on
}

// A Pool is a pool that a batch names.
type Pool struct {
	Key      license.Pool
	Vendor   string // the vendor daemon, as told at VendorAt
	VendorAt int64
	First    int64 // its first record; 0 if only holders, denials and assignments name it

	SharedWith string // the feature whose licenses these were, as told at SharedAt
	SharedAt   int64  // 0 if never
}

// A Failure is a failed reading.
type Failure struct {
	At     int64
	Reason string
}

// An Offset is the hub's clock minus the agent's, as it was known when a
// record was taken.
type Offset struct{ At, MS int64 }

// An Info is what the agent said of the server. The GUID is the batch's.
type Info struct {
	At     int64
	Server license.Server
}

// Names says how names of users and devices leave the server's site.
type Names struct {
	Since int64
	Mode  string // as told
	Key   string
}

// Holders are those who held, borrowed or waited at one instant.
type Holders struct {
	At   int64
	List []Holder
}

// A Holder is one line of Holders.
type Holder struct {
	Pool                int // in Batch.Pools
	User, Host, Display string
	Licenses            int64
	Since               int64
	Kind                license.HolderKind
}

// A Denial is a refused request.
type Denial struct {
	Pool               int // in Batch.Pools
	At                 int64
	User, Host, Reason string
	Count              int64  // refusals folded into it, at least 1
	Last               int64  // the last of them, At or later
	Outcome            string // as on the wire
}

// A Gap is a declared loss of records.
type Gap struct {
	From, To int64 // both inclusive
	Reason   string
}

// Assignments say to whom user/device licenses were assigned at one instant,
// and whose assignment had ended.
type Assignments struct {
	At        int64
	Complete  bool // with the others of that instant they are all
	Truncated bool
	Lease     int64 // seconds; 0: not told
	LastIs    license.LastKind
	Assigned  []Assignee
	Ended     []Assignee
}

// An Assignee is who has, or had, a user/device license.
type Assignee struct {
	Pool        int // in Batch.Pools
	Kind        license.AssigneeKind
	Name        string
	First, Last int64 // 0: not told
}

// Sources say how the sources stand by which a server is read.
type Sources struct {
	At   int64
	List []Source
}

// A Source is one line of Sources.
type Source struct {
	Name            string
	At              int64 // when it was asked
	Age             int64 // of its data then, seconds
	Failure, Remark string
	Absent          bool
}
