package wire

import (
	"io"
	"slices"
)

// WriteLines writes the lines of a batch as they are in it, whatever they say:
// what an agent has sent, for people.
func WriteLines(w io.Writer, batch io.Reader) error {
	text, err := newLineReader(batch)
	if err != nil {
		return err
	}
	defer text.done()
	for text.lines.Scan() {
		if _, err := w.Write(append(slices.Clone(text.lines.Bytes()), '\n')); err != nil {
			return err
		}
	}
	return text.lines.Err()
}
