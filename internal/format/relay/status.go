package relay

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// ParseStatus reads the output of `relay ls --plain`: a table whose columns are
// known by their titles. The output tells of one license server, or of none and
// then has an Error: that is so for a Relay without licenses. The error is the
// reader's, or says that there is no such code page.
//
// The table has no fingerprints: a holder's host is "node" and Relay's number of
// the node. A row that is not understood is unread, and the snapshot is then
// not complete.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	var t table
	for lines.Next() {
		t.line(lines.Number(), lines.Text())
	}
	t.out.Lines = lines.Number()
	return t.output(), lines.Err()
}

type table struct {
	out      facts.Output
	titles   []string
	licenses []License
	broken   bool   // a row was not read
	stray    string // the first line before the table
}

func (t *table) line(number int, line string) {
	if strings.Trim(line, "+-| \t") == "" {
		return
	}
	row := cells(line)
	switch {
	case t.titles == nil && slices.Contains(row, "id") && slices.Contains(row, "node_id"):
		t.titles = row
		return
	case t.titles == nil:
		t.stray = cmp.Or(t.stray, strings.TrimSpace(line))
	default:
		if l, ok := t.license(row); ok {
			t.licenses = append(t.licenses, l)
			return
		}
		t.broken = true
	}
	t.out.Unread.Add(number, line)
}

// cells divides a line. Versions before 1.0 divide columns by blanks alone.
func cells(line string) []string {
	inner, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !ok {
		return strings.Fields(line)
	}
	all := strings.Split(strings.TrimSuffix(inner, "|"), "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

func (t *table) license(row []string) (License, bool) {
	if len(row) != len(t.titles) {
		return License{}, false
	}
	cell := map[string]string{}
	for i, title := range t.titles {
		if row[i] != "-" {
			cell[title] = row[i]
		}
	}
	claimed, ok1 := instant(cell["last_claimed_at"])
	released, ok2 := instant(cell["last_released_at"])
	l := License{ID: cell["id"], Pool: cell["pool"], Seats: 1, Claimed: claimed, Released: released}
	node := cell["node_id"]
	if node != "" {
		l.Nodes = []Node{{Name: "node " + node, Since: claimed}}
	}
	return l, ok1 && ok2 && l.ID != "" && strings.Trim(node, "0123456789") == ""
}

func instant(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err == nil
}

func (t *table) output() facts.Output {
	if len(t.licenses) == 0 {
		t.out.Error = facts.Shorten(cmp.Or(t.stray, "the output tells of no license of Keygen Relay"), facts.MaxText)
		return t.out
	}
	s := Snapshot(t.licenses, nil)
	s.Complete = !t.broken
	t.out.Servers = []facts.Status{{Server: license.Server{Manager: Manager}, Snapshot: s}}
	return t.out
}
