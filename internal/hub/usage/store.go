package usage

import (
	"context"
	"iter"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A Store keeps what usage reads. Every method speaks of one organisation and
// knows nothing of any other. An organisation that does not exist is
// fault.NotFound; anything else that goes wrong is an internal error.
type Store interface {
	// Organisation returns the organisation. Zone is never nil, and thresholds
	// that it has not set are those of DefaultThresholds.
	Organisation(ctx context.Context, org int64) (Organisation, error)

	// Stamp returns what changes whenever anything that the methods below tell of
	// the organisation does, but for what its agents are, when they made contact,
	// and what they say their servers are called.
	Stamp(ctx context.Context, org int64) (Stamp, error)

	// Standing returns both: what every question begins with.
	Standing(ctx context.Context, org int64) (Organisation, Stamp, error)

	// Servers lists, ascending by ID, the license servers that are registered
	// or were, as long as the store knows anything of them. One whose data were
	// deleted has another ID from then on.
	Servers(ctx context.Context, org int64) ([]Record, error)

	// Pools lists, ascending by server and ID, the pools of all these servers that have at
	// least one record. A pool whose data were deleted is not listed until it
	// has a record again.
	Pools(ctx context.Context, org int64) ([]Pool, error)

	// Overrides returns what the organisation says of features instead of the catalog.
	Overrides(ctx context.Context, org int64) (catalog.Overrides, error)

	// Rosters lists what the license servers say of their assignments, by
	// Server.ID, of those that tell any.
	Rosters(ctx context.Context, org int64) (map[int64]Roster, error)

	// Assignees lists to whom licenses of a license server are and were assigned.
	Assignees(ctx context.Context, org, server int64) ([]Assignee, error)

	// Sources lists how the sources stand by which license servers are read, by
	// Server.ID, of those that have several.
	Sources(ctx context.Context, org int64) (map[int64][]Source, error)

	// Uploads lists the newest batches of a license server, the newest first.
	Uploads(ctx context.Context, org, server int64, limit int) ([]Upload, error)

	// Gaps lists the newest gaps that were declared of a license server, the newest
	// first.
	Gaps(ctx context.Context, org, server int64, limit int) ([]Gap, error)

	// Holders lists who held licenses of a feature, or waited for them, at each
	// server's HoldersAt, ascending by server and in the order of its list. The
	// sequence ends with the first error.
	Holders(ctx context.Context, org int64, feature string) iter.Seq2[Holder, error]

	// PackNumber returns the number of the newest pack of the organisation, 0 if
	// there is none. A pack closes a part of a day; numbers rise, and who has
	// seen one sees every pack up to it.
	PackNumber(ctx context.Context, org int64) (int64, error)

	// Heads lists what has changed since a mark of the UTC days from <= day < to,
	// ascending by day and then server, each server and day once and in its
	// newest version: the heads of blocks whose version is above the mark's of
	// their server, in packs with a number above the mark's or in none. A mark
	// whose numbers were read before an earlier call of Heads may be given to the
	// next one: what changed between the two is listed again. The sequence ends
	// with the first error.
	Heads(ctx context.Context, org int64, from, to int32, since Mark) iter.Seq2[Head, error]

	// Blocks lists the blocks of one UTC day, ascending by server. The sequence
	// ends with the first error.
	Blocks(ctx context.Context, org int64, day int32) iter.Seq2[Block, error]

	// Block returns the block of one license server and UTC day; one without a
	// Server where there is none.
	Block(ctx context.Context, org, server int64, day int32) (Block, error)

	// Denials lists the denials of the organisation whose first refusal was at
	// from <= At < to, ascending by At. The sequence ends with the first error.
	Denials(ctx context.Context, org, from, to int64) iter.Seq2[Denial, error]

	// Imported lists the UTC days from <= day < to in which imported history of a
	// license server counts, ascending by day and then server. The sequence ends
	// with the first error.
	Imported(ctx context.Context, org int64, from, to int32) iter.Seq2[ImportedDay, error]

	// Snapshot calls f with a Store that shows one state of the database, for as
	// long as f runs. Its sequences must be read one after the other.
	Snapshot(ctx context.Context, f func(Store) error) error
}

// A Stamp stands for a state of an organisation's servers, pools and blocks.
type Stamp struct{ Servers, Revisions, Registered, Removed, Acknowledged, Pack, Catalog int64 }

// A Mark says which state of an organisation's blocks is known; the zero Mark:
// none.
type Mark struct {
	Pack    int64           // number of the newest pack that is known
	Servers map[int64]int64 // by Server.ID: the revision (Record.Version) that is known
}

// A Head is the head of a block (series.Split): all but its values.
type Head struct {
	Server  int64
	Day     int32
	Version int64  // the Record's Version of the block's last change
	Data    []byte // good until the next one
}

// A Block is a day of a license server as it is kept, in two parts.
type Block struct {
	Server     int64
	Version    int64
	Head, Body []byte // series.Split; good until the next one
}

// A Record is a license server as the store keeps it. Status and Overdue of
// its Server are left empty: they depend on the time of asking.
type Record struct {
	Server
	Removed time.Time // when its registration was removed; zero while it stands

	// Version rises with every change of the server's days or pools, deletion
	// included, in the transaction that makes the change. Equal versions mean
	// equal data.
	Version int64
}

// A Pool is a pool of a license server as the store keeps it.
type Pool struct {
	ID     series.PoolID
	Server int64 // Server.ID
	Key    license.Pool
	Vendor string // the vendor daemon that was told last; empty if none was
	First  int64  // instant of its first record, Unix seconds; late data may move it back

	SharedWith string // the feature whose licenses its were at SharedAt; empty if never
	SharedAt   int64  // Unix seconds
}

// An ImportedDay is a UTC day in which imported history of a license server
// counts.
type ImportedDay struct {
	Day    int32
	Server int64 // Server.ID
}
