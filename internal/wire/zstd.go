package wire

import (
	"bufio"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what the decoder keeps of the text before; a frame that
// asks for more is refused.
const maxWindow = 1 << 20

// ownWindow is what our own frames ask for. The lines of a batch are alike, and
// what is like them is near: a larger window makes batches larger, because what
// is far away takes more bits to point at.
const ownWindow = 64 << 10

// compressors and readers are used again: to make one takes longer than to use
// it for a batch.
var compressors, readers sync.Pool

// compress writes lines as one zstd frame, each with its end.
func compress(w io.Writer, lines ...[]byte) error {
	z, ok := compressors.Get().(*zstd.Encoder)
	if !ok {
		var err error
		// The next level takes twice the time and memory, and 4 percent off a day of readings.
		z, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(ownWindow))
		if err != nil {
			return err
		}
	}
	defer compressors.Put(z)
	defer z.Reset(nil) // holds on to nothing
	z.Reset(w)
	for _, line := range lines {
		if _, err := z.Write(line); err != nil {
			return err
		}
		if _, err := z.Write([]byte{'\n'}); err != nil {
			return err
		}
	}
	return z.Close()
}

// A lineReader reads the lines of a zstd stream, at most MaxBatchBytes and one
// more.
type lineReader struct {
	z      *zstd.Decoder
	rest   io.LimitedReader
	buffer []byte
	lines  *bufio.Scanner
}

// firstLine is how much memory a line gets at first.
const firstLine = 64 << 10

// newLineReader borrows a reader, to be given back by done.
func newLineReader(source io.Reader) (*lineReader, error) {
	r, ok := readers.Get().(*lineReader)
	if !ok {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(MaxBatchBytes))
		if err != nil {
			return nil, err
		}
		r = &lineReader{z: z, buffer: make([]byte, 0, firstLine)}
	}
	if err := r.z.Reset(source); err != nil {
		return nil, err
	}
	r.rest = io.LimitedReader{R: r.z, N: MaxBatchBytes + 1}
	r.lines = bufio.NewScanner(&r.rest)
	r.lines.Buffer(r.buffer, MaxRecordBytes+2)
	return r, nil
}

// done gives a reader back.
func (r *lineReader) done() {
	if r.z.Reset(nil) == nil { // it holds on to nothing
		r.lines = nil
		readers.Put(r)
	}
}
