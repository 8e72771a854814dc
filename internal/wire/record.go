package wire

import "headroom/internal/license"

// The kinds of line in a batch. The first line is a BatchHeader; each further
// line is one record, known by its field "kind".
const (
	KindBatch   = "batch"
	KindServer  = "server"
	KindSamples = "samples"
	KindEvents  = "events"
	KindMaxima  = "maxima"
	KindFailed  = "failed"
	KindHolders = "holders"
	KindDenial  = "denial"
	KindGap     = "gap"

	KindAssignments = "assignments"
	KindSources     = "sources"
)

// A BatchHeader is the first line of a batch. Epoch and Seq stand in the path
// too and must agree: the content says what it is.
type BatchHeader struct {
	Kind    string `json:"kind"` // KindBatch
	V       int    `json:"v"`
	Epoch   string `json:"epoch"`
	Seq     uint64 `json:"seq"`
	Server  string `json:"server"`  // GUID; a batch holds the records of one server
	MadeAt  int64  `json:"made_at"` // by the agent's clock
	Version string `json:"version"` // of the agent

	// Replaces are the batches whose records this one carries, or some of them:
	// refused ones that were divided, perhaps again and again, and those of an
	// epoch that was left. They will not come any more.
	Replaces []BatchID `json:"replaces,omitempty"`
}

// A BatchID names a batch of an agent.
type BatchID struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"` // from 1 on
}

// A ServerRecord says what the server is, whenever that changed.
type ServerRecord struct {
	Kind string `json:"kind"` // KindServer
	At   int64  `json:"at"`
	ServerInfo
}

// A PoolKey names a pool within its server (license.Pool).
type PoolKey struct {
	Feature string `json:"feature"`
	Daemon  string `json:"daemon,omitempty"`
	Variant string `json:"variant,omitempty"`
}

// Samples is a run of readings of one server that name the same pools in the
// same states. Each array of a pool has one value per instant, or a single
// value that holds for all of them, or none where the source does not tell.
type Samples struct {
	Kind     string        `json:"kind"`                // KindSamples
	At       []int64       `json:"at"`                  // ascending
	Interval int64         `json:"interval"`            // of polling, seconds; hold is derived from it
	Complete bool          `json:"complete"`            // every pool of the server is named
	Imported bool          `json:"imported,omitempty"`  // history, not read live
	Source   string        `json:"source"`              // the reader: "flexnet", "file" ...
	Own      bool          `json:"own_clock,omitempty"` // At is the agent's clock, not the source's
	OffsetMS int64         `json:"offset_ms,omitempty"` // hub's clock minus agent's, as measured last before
	Pools    []SampledPool `json:"pools"`
}

// A SampledPool is one pool's part of a run.
type SampledPool struct {
	PoolKey
	Vendor    string `json:"vendor,omitempty"` // vendor daemon, where told
	State     string `json:"state"`            // license.State
	InUse     Counts `json:"in_use"`
	Installed Counts `json:"installed,omitempty"`
	Reserved  Counts `json:"reserved,omitempty"`
	Borrowed  Counts `json:"borrowed,omitempty"`
	Queued    Counts `json:"queued,omitempty"`
	Overdraft Counts `json:"overdraft,omitempty"`
	Reason    string `json:"reason,omitempty"`

	// SharedWith is the feature whose licenses these are: license files prove
	// that both pools are one purchase, and installed is told with that one.
	SharedWith string `json:"shared_with,omitempty"`
}

// At returns the value of one of a pool's arrays at instant number i.
func At(values []license.Count, i int) license.Count {
	switch {
	case len(values) == 1:
		return values[0]
	case i < len(values):
		return values[i]
	}
	return license.Count{}
}

// Events is the use of one pool over a span for which a log vouches, as steps.
type Events struct {
	Kind string `json:"kind"` // KindEvents
	PoolKey
	Vendor   string  `json:"vendor,omitempty"`
	From     int64   `json:"from"`  // the log vouches for [From, To)
	To       int64   `json:"to"`    // the last line read, or the last look while it is tailed
	Exact    bool    `json:"exact"` // from a server start on, or anchored by a status; else the true use may be higher
	Imported bool    `json:"imported,omitempty"`
	Start    int64   `json:"start"`          // in use at From
	At       []int64 `json:"at"`             // ascending, within [From, To)
	InUse    []int64 `json:"in_use"`         // from the next second on, and in this one where High is missing
	High     []int64 `json:"high,omitempty"` // highest value within the second; missing: InUse
	OffsetMS int64   `json:"offset_ms,omitempty"`
}

// Maxima is the use of one pool as a source tells it that says only the highest
// use of times, and not when in them it was reached. The arrays are of equal
// length; maximum number i is of [From[i], To[i]).
type Maxima struct {
	Kind string `json:"kind"` // KindMaxima
	PoolKey
	Vendor   string  `json:"vendor,omitempty"`
	Imported bool    `json:"imported,omitempty"`
	From     []int64 `json:"from"`   // ascending, by the source's own clock
	To       []int64 `json:"to"`     // each after its From, and not after the next one
	InUse    []int64 `json:"in_use"` // highest of its time, reached in one second of it at least
	OffsetMS int64   `json:"offset_ms,omitempty"`
}

// Failed is a reading that failed: the use of the server is unknown at that
// instant, and never zero.
type Failed struct {
	Kind   string `json:"kind"` // KindFailed
	At     int64  `json:"at"`   // by the agent's clock: the source did not tell
	Reason string `json:"reason"`

	OffsetMS int64 `json:"offset_ms,omitempty"` // as in Samples
}

// Holders lists who held, borrowed or waited for licenses at one instant.
type Holders struct {
	Kind     string   `json:"kind"` // KindHolders
	At       int64    `json:"at"`
	Own      bool     `json:"own_clock,omitempty"` // as in Samples
	OffsetMS int64    `json:"offset_ms,omitempty"` // as in Samples
	Holders  []Holder `json:"holders"`
}

// A Holder is one line of Holders.
type Holder struct {
	PoolKey
	User     string             `json:"user"`
	Host     string             `json:"host,omitempty"`
	Display  string             `json:"display,omitempty"`
	Licenses int64              `json:"licenses"`
	Since    int64              `json:"since,omitempty"` // 0: not told
	How      license.HolderKind `json:"how"`
}

// A Denial is a request that the server refused for want of licenses or rights.
type Denial struct {
	Kind string `json:"kind"` // KindDenial
	PoolKey
	At     int64  `json:"at"`
	User   string `json:"user"`
	Host   string `json:"host,omitempty"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"` // refusals folded into it, at least 1

	Last    int64  `json:"last,omitempty"`    // the last of them; 0: At, or not told
	Outcome string `json:"outcome,omitempty"` // DenialServed or DenialUnserved; empty: not known
}

// The outcomes of a denial.
const (
	DenialServed   = "served"   // false: who was refused got the licenses soon after
	DenialUnserved = "unserved" // true: somebody went without
)

// A Gap is a loss that the agent knows of: records taken and not kept.
type Gap struct {
	Kind   string `json:"kind"` // KindGap
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason string `json:"reason"`

	Batch *BatchID `json:"batch,omitempty"` // the batch that will never come, if the records had one

	// Replaces are those that Batch stood for.
	Replaces []BatchID `json:"replaces,omitempty"`
}

// Assignments says to whom licenses are assigned, and who has one no more.
// Whoever it does not name is as before, unless it is complete.
type Assignments struct {
	Kind      string           `json:"kind"` // KindAssignments
	At        int64            `json:"at"`   // of the source's data, not of the question
	Own       bool             `json:"own_clock,omitempty"`
	OffsetMS  int64            `json:"offset_ms,omitempty"`
	Complete  bool             `json:"complete,omitempty"`  // with the other records of this instant, it names all who are assigned
	Truncated bool             `json:"truncated,omitempty"` // users are named without their domains
	Lease     int64            `json:"lease,omitempty"`     // seconds; 0: not told
	LastIs    license.LastKind `json:"last_is,omitempty"`   // what Last of the lists stands for
	Assigned  []Assigned       `json:"assigned,omitempty"`
	Ended     []Assigned       `json:"ended,omitempty"` // their licenses are free again
}

// Assigned are users, or devices, with a license of one pool. The arrays are as
// long as Names, or missing where the source does not tell; 0 is not told.
type Assigned struct {
	PoolKey
	Vendor string               `json:"vendor,omitempty"`
	Who    license.AssigneeKind `json:"who"`
	Names  []string             `json:"names"`
	First  []int64              `json:"first,omitempty"` // when the license was assigned first
	Last   []int64              `json:"last,omitempty"`  // see Assignments.LastIs
}

// Sources says how the sources stand by which a server is read.
type Sources struct {
	Kind     string   `json:"kind"` // KindSources
	At       int64    `json:"at"`   // by the agent's clock
	OffsetMS int64    `json:"offset_ms,omitempty"`
	Sources  []Source `json:"sources"`
}

// A Source is one line of Sources.
type Source struct {
	Name    string `json:"name"`
	At      int64  `json:"at"`            // when it was asked
	Age     int64  `json:"age,omitempty"` // of its data then, seconds
	Failure string `json:"failure,omitempty"`
	Absent  bool   `json:"absent,omitempty"` // it is not there
	Remark  string `json:"remark,omitempty"`
}
