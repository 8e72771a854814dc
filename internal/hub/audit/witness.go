package audit

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Columns are those of the file that the console exports. By organisation, number
// and hash the file is a witness of the log as it was then (ReadWitness).
var Columns = []string{"number", "at", "act", "by", "address", "on", "detail", "organisation", "hash"}

// ReadWitness reads the checkpoints in a file that the console exported once, by
// the public id of their organisation. It needs the columns organisation, number
// and hash, in any order; errors name the line.
func ReadWitness(file io.Reader) (map[string][]Checkpoint, error) {
	r := csv.NewReader(file)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the first line of the witness: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	org, number, hash := slices.Index(header, "organisation"), slices.Index(header, "number"), slices.Index(header, "hash")
	if min(org, number, hash) < 0 {
		return nil, fmt.Errorf("this is not an audit log as the console exports it: its first line has no columns organisation, number and hash")
	}
	out := make(map[string][]Checkpoint)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the witness: %w", err)
		}
		line, _ := r.FieldPos(number)
		c := Checkpoint{}
		if c.Seq, err = strconv.ParseInt(row[number], 10, 64); err != nil || c.Seq < 1 {
			return nil, fmt.Errorf("line %d of the witness: %.40q is not the number of an entry", line, row[number])
		}
		if c.Head, err = parseHash(row[hash]); err != nil {
			return nil, fmt.Errorf("line %d of the witness: %w", line, err)
		}
		out[row[org]] = append(out[row[org]], c)
	}
}
