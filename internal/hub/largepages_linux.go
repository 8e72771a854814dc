package hub

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// largePages asks the system to back the next bytes that the heap grows by with
// large pages, where it gives them only to who asks ("madvise" in
// /sys/kernel/mm/transparent_hugepage/enabled; madvise(2)). A hub's first question
// fills some hundred megabytes within a fraction of a second, and pages of 4 KiB
// handed out one by one were half of that time (docs/benchmarks.md). What is not
// touched takes no memory.
func largePages(bytes int64) error {
	region := make([]byte, bytes)
	if err := unix.Madvise(region, unix.MADV_HUGEPAGE); err != nil {
		return fmt.Errorf("ask for large pages: %w", err)
	}
	// Nobody holds the region any more: the collector takes it back, and the heap
	// grows into it before it asks the system for another.
	debug.FreeOSMemory()
	return nil
}
