package sim

import (
	"fmt"
	"strings"
	"time"
)

// relay prints what relay ls --plain does: a row for each license. Nodes are
// machines, numbered; their names are not told.
func (s *Server) relay(t time.Time, args []string) (string, error) {
	if len(args) < 2 || args[0] != "ls" || args[1] != "--plain" {
		return "", wrongArgs("relay", args)
	}
	if s.Down(t) {
		return "Error: unable to open database file: out of memory (14)\n", nil
	}
	var b strings.Builder
	const row = "| %-36s | %-16s | %-6s | %-7s | %-20s | %-20s |\n"
	fmt.Fprintf(&b, row, "id", "pool", "claims", "node_id", "last_claimed_at", "last_released_at")
	fmt.Fprintf(&b, "+%s+%s+%s+%s+%s+%s+\n", strings.Repeat("-", 38), strings.Repeat("-", 18), strings.Repeat("-", 8), strings.Repeat("-", 9),
		strings.Repeat("-", 22), strings.Repeat("-", 22))
	for i := range s.Features {
		f := &s.Features[i]
		all := s.Checkouts(f, t)
		for n := range int(f.purchase(t).Installed) {
			node, claimed := "-", "-"
			if n < len(all) {
				node, claimed = fmt.Sprint(relayNode(i, n)), all[n].Since.Format(time.RFC3339)
			}
			id := f.chance(ofHabit, int64(n))
			guid := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(id>>32), uint16(id>>16), id&0xfff, id>>8&0xfff, f.chance(ofHabit, -1-int64(n))&0xffffffffffff)
			fmt.Fprintf(&b, row, guid, f.Name, fmt.Sprint(20+id%300), node, claimed, "-")
		}
	}
	return b.String(), nil
}

// relayNode is the number of the machine that has the n-th license of a
// feature.
func relayNode(feature, n int) int { return 1 + feature*1000 + n }
