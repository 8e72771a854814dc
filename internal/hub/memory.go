package hub

import (
	"cmp"
	"runtime/debug"

	"headroom/internal/hub/usage"
)

// gcPercent: a batch is garbage once it is kept: what is collected less often is
// less work for each. Where memory is short MemoryLimit decides.
const gcPercent = 200

// MemoryLimit is what a program that runs a hub of that Config.Memory gives to
// TuneMemory: a hub's history is large and hardly ever changes, so that the
// garbage collector would let as much garbage lie beside it.
func MemoryLimit(memory int64) int64 { return cmp.Or(memory, usage.DefaultMemory) + 40<<20 }

// TuneMemory sets up the memory of a program that runs a hub, at its start: limit
// is for debug.SetMemoryLimit. An error says that the system gives no large pages;
// the program runs as well without them, and answers its first question later.
func TuneMemory(limit int64) error {
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(gcPercent)
	return largePages(limit / 2)
}
