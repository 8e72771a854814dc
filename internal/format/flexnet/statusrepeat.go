package flexnet

import (
	"slices"

	"headroom/internal/license"
)

// sameBlock reports whether two blocks of one name say the same: equal
// numbers, and no daemon that differs.
func sameBlock(a, b Feature) bool {
	return a.Name == b.Name && a.State == b.State && a.Installed == b.Installed && a.InUse == b.InUse &&
		a.Error == b.Error && (a.Daemon == b.Daemon || a.Daemon == "" || b.Daemon == "")
}

// A blockKey is what an exact repeat has in common with the block before it.
type blockKey struct {
	name, daemon, err string
	state             license.State
	installed, inUse  license.Count
}

func keyOf(f Feature, daemon string) blockKey {
	return blockKey{f.Name, daemon, f.Error, f.State, f.Installed, f.InUse}
}

// anyDaemon stands in a blockKey for whichever daemon came first.
const anyDaemon = "\x00"

// dropRepeats drops blocks that repeat an earlier one: the same numbers, and
// no daemon that differs. Lines that only the repeat has are kept with the
// first.
func dropRepeats(all []Feature) []Feature {
	kept := all[:0]
	at := make(map[blockKey]int, 2*len(all)) // indexes into kept
	merging := map[int]*merger{}
	for _, f := range all {
		i, again := at[keyOf(f, f.Daemon)]
		if !again && f.Daemon != "" {
			i, again = at[keyOf(f, "")]
		}
		if !again && f.Daemon == "" {
			i, again = at[keyOf(f, anyDaemon)]
		}
		if again {
			if merging[i] == nil {
				merging[i] = newMerger(&kept[i])
			}
			merging[i].absorb(&kept[i], f)
			at[keyOf(kept[i], kept[i].Daemon)] = i
			continue
		}
		at[keyOf(f, f.Daemon)] = len(kept)
		if _, ok := at[keyOf(f, anyDaemon)]; !ok {
			at[keyOf(f, anyDaemon)] = len(kept)
		}
		kept = append(kept, f)
	}
	clear(all[len(kept):])
	return kept
}

// A merger adds to a feature what its repeats have beyond it.
type merger struct {
	lines map[Checkout]int    // how often the feature has each line
	pools map[LicensePool]int // indexes into its pools
}

func newMerger(f *Feature) *merger {
	f.Pools, f.Checkouts = slices.Clip(f.Pools), slices.Clip(f.Checkouts) // others may hold them too
	m := &merger{lines: map[Checkout]int{}, pools: map[LicensePool]int{}}
	for _, c := range f.Checkouts {
		m.lines[c.bare()]++
	}
	for i, p := range f.Pools {
		m.pools[p] = i
	}
	return m
}

func (m *merger) absorb(f *Feature, r Feature) {
	if f.Daemon == "" {
		f.Daemon = r.Daemon
	}
	for _, p := range r.Pools {
		if _, ok := m.pools[p]; !ok {
			m.pools[p] = len(f.Pools)
			f.Pools = append(f.Pools, p)
		}
	}
	again := map[Checkout]int{}
	for _, c := range r.Checkouts {
		key := c.bare()
		if again[key]++; again[key] <= m.lines[key] {
			continue
		}
		m.lines[key]++
		if c.Pool >= 0 {
			c.Pool = m.pools[r.Pools[c.Pool]]
		}
		f.Checkouts = append(f.Checkouts, c)
	}
}

// bare returns c without its place, to compare it with another.
func (c Checkout) bare() Checkout {
	c.Pool, c.Line = 0, 0
	return c
}

// nameByOrder names the daemons of blocks that tell none, where as many blocks
// of one name are left as there are daemons: they are printed in one order. A
// key that came and went with the use of a feature would break its history.
func nameByOrder(all []Feature, daemons []DaemonUp) {
	if len(daemons) < 2 {
		return
	}
	byName := map[string][]int{}
	for i, f := range all {
		byName[f.Name] = append(byName[f.Name], i)
	}
	for _, blocks := range byName {
		if len(blocks) == len(daemons) {
			nameBlocks(all, blocks, daemons)
		}
	}
}

func nameBlocks(all []Feature, blocks []int, daemons []DaemonUp) {
	taken := map[string]bool{}
	for _, i := range blocks {
		taken[all[i].Daemon] = true
	}
	next := 0
	for _, i := range blocks {
		if all[i].Daemon != "" {
			continue
		}
		for next < len(daemons) && taken[daemons[next].Name] {
			next++
		}
		if next == len(daemons) {
			return
		}
		all[i].Daemon = daemons[next].Name
		next++
	}
}

// daemonsPerName counts the daemons that serve each name.
func daemonsPerName(all []Feature) map[string]int {
	seen := map[license.Pool]bool{}
	count := map[string]int{}
	for _, f := range all {
		key := license.Pool{Feature: f.Name, Daemon: f.Daemon}
		if f.Daemon != "" && !seen[key] {
			seen[key] = true
			count[f.Name]++
		}
	}
	return count
}
