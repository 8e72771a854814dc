package rest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"

	"headroom/internal/look"
)

// A cell is a value of an answer and its place: "peak.value".
type cell struct{ name, text string }

// rowsOf makes rows of an answer: one for each object of its list, or one of the
// answer itself where it has none; and returns the cursor of the next page. Objects
// in a row become cells of their own; a list in one is a cell in JSON.
func rowsOf(answer []byte) (rows [][]cell, next string, err error) {
	r := &rowReader{json: json.NewDecoder(bytes.NewReader(answer))}
	r.json.UseNumber()
	one, err := r.object("", true)
	if err != nil {
		return nil, "", err
	}
	if r.list {
		return r.rows, r.next, nil
	}
	return [][]cell{one}, "", nil
}

// A rowReader goes through an answer in the order in which it is written.
type rowReader struct {
	json *json.Decoder
	rows [][]cell
	list bool // the answer has one
	next string
}

// object reads an object into cells. Of the outermost one the first list of objects
// is taken for the rows.
func (r *rowReader) object(prefix string, outermost bool) (cells []cell, err error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	for r.json.More() {
		name, err := r.word()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := r.json.Decode(&raw); err != nil {
			return nil, err
		}
		switch {
		case raw[0] == '{':
			inner := &rowReader{json: json.NewDecoder(bytes.NewReader(raw))}
			inner.json.UseNumber()
			more, err := inner.object(prefix+name+".", false)
			if err != nil {
				return nil, err
			}
			cells = append(cells, more...)
		case raw[0] == '[' && outermost && !r.list && isRows(raw):
			if err := r.take(raw); err != nil {
				return nil, err
			}
		case outermost && name == "next":
			if err := json.Unmarshal(raw, &r.next); err != nil {
				return nil, err
			}
		default:
			text, err := cellOf(raw)
			if err != nil {
				return nil, err
			}
			cells = append(cells, cell{prefix + name, text})
		}
	}
	return cells, nil
}

var errNoObject = errors.New("the answer is no object")

func (r *rowReader) begin() error {
	if t, err := r.json.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errNoObject)
	}
	return nil
}

func (r *rowReader) word() (string, error) {
	t, err := r.json.Token()
	if err != nil {
		return "", err
	}
	word, ok := t.(string)
	if !ok {
		return "", errNoObject
	}
	return word, nil
}

// isRows says whether a list has objects in it; of an empty one nobody knows, and it
// is taken for a list of rows.
func isRows(list json.RawMessage) bool {
	inner := bytes.TrimSpace(list[1:])
	return inner[0] == '{' || inner[0] == ']'
}

func (r *rowReader) take(list json.RawMessage) error {
	r.list = true
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil {
		return err
	}
	for _, raw := range all {
		inner := &rowReader{json: json.NewDecoder(bytes.NewReader(raw))}
		inner.json.UseNumber()
		row, err := inner.object("", false)
		if err != nil {
			return err
		}
		r.rows = append(r.rows, row)
	}
	return nil
}

// cellOf is a value as it stands in a cell; null is empty.
func cellOf(raw json.RawMessage) (string, error) {
	switch {
	case string(raw) == "null":
		return "", nil
	case raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return look.Cell(text), err
	}
	return string(raw), nil
}

// writeRows writes rows under the names of the cells of all of them: an optional
// value is not there in every row.
func writeRows(w io.Writer, rows [][]cell) error {
	place := map[string]int{}
	var head []string
	for _, row := range rows {
		for _, c := range row {
			if _, ok := place[c.name]; !ok {
				place[c.name] = len(head)
				head = append(head, c.name)
			}
		}
	}
	if len(head) == 0 {
		return nil
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(head); err != nil {
		return err
	}
	for _, row := range rows {
		line := make([]string, len(head))
		for _, c := range row {
			line[place[c.name]] = c.text
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
