package audit

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Columns are those of the file that the console exports. By organisation, number
// and hash the file is a witness of the log as it was then (ReadWitness).
var Columns = []string{"number", "at", "act", "by", "address", "on", "detail", "organisation", "hash"}

// A Witness is what is known from elsewhere of the logs of some organisations, by
// their public id.
type Witness struct {
	Checkpoints map[string][]Checkpoint
	Signed      []Signed // those of an agent's file; the others the console exported
}

// maxWitness is more than any file of a witness has.
const maxWitness = 1 << 30

// ReadWitness reads a file that the console exported once, or the one in which an
// agent keeps what its hub told it. Errors name the line.
func ReadWitness(file io.Reader) (Witness, error) {
	r := bufio.NewReader(io.LimitReader(file, maxWitness))
	if first, err := r.Peek(1); err == nil && first[0] == '{' {
		return readAgents(r)
	}
	return readExported(r)
}

// An agentsLine is a line of an agent's file: what the hub said (docs/format/wire.md).
type agentsLine struct {
	Organisation string `json:"organisation"`
	Entries      int64  `json:"entries"`
	Head         string `json:"head"`
	At           int64  `json:"at"`
	Signature    []byte `json:"signature"`
}

func readAgents(r io.Reader) (Witness, error) {
	out := Witness{Checkpoints: make(map[string][]Checkpoint)}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		var l agentsLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return Witness{}, fmt.Errorf("line %d of the witness: %w", n, err)
		}
		s := Signed{Organisation: l.Organisation, At: time.Unix(l.At, 0), Signature: l.Signature}
		var err error
		if s.Head, err = parseHash(l.Head); err != nil || l.Entries < 1 {
			return Witness{}, fmt.Errorf("line %d of the witness: %d entries, head %.80q: not what a hub says", n, l.Entries, l.Head)
		}
		s.Seq = l.Entries
		out.Signed = append(out.Signed, s)
		out.Checkpoints[s.Organisation] = append(out.Checkpoints[s.Organisation], s.Checkpoint)
	}
	if err := lines.Err(); err != nil {
		return Witness{}, fmt.Errorf("read the witness: %w", err)
	}
	return out, nil
}

// readExported reads a file that the console exported. It needs the columns
// organisation, number and hash, in any order.
func readExported(file io.Reader) (Witness, error) {
	r := csv.NewReader(file)
	header, err := r.Read()
	if err != nil {
		return Witness{}, fmt.Errorf("read the first line of the witness: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	org, number, hash := slices.Index(header, "organisation"), slices.Index(header, "number"), slices.Index(header, "hash")
	if min(org, number, hash) < 0 {
		return Witness{}, fmt.Errorf("this is neither an audit log as the console exports it, with columns organisation, number and hash, nor what an agent keeps")
	}
	out := Witness{Checkpoints: make(map[string][]Checkpoint)}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return Witness{}, fmt.Errorf("read the witness: %w", err)
		}
		line, _ := r.FieldPos(number)
		c := Checkpoint{}
		if c.Seq, err = strconv.ParseInt(row[number], 10, 64); err != nil || c.Seq < 1 {
			return Witness{}, fmt.Errorf("line %d of the witness: %.40q is not the number of an entry", line, row[number])
		}
		if c.Head, err = parseHash(row[hash]); err != nil {
			return Witness{}, fmt.Errorf("line %d of the witness: %w", line, err)
		}
		out.Checkpoints[row[org]] = append(out.Checkpoints[row[org]], c)
	}
}
