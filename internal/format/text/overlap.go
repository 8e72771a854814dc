package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// A File is an opened file that can be read anywhere.
type File struct {
	Path    string // for people
	Size    int64
	Data    io.ReaderAt
	Changed time.Time // when it was written last; zero if that is not known
}

// probe is how much of the beginning of a file is looked for in another. It
// is long enough to hold more than a license server's constant banner.
const probe = 16 << 10

// least is the smallest overlap that is believed: fewer lines may be equal by
// chance, since a log's lines carry no date.
const least = 1 << 10

// tries bounds the search in a log that repeats itself.
const tries = 10_000

// chunk is how much of a file is held in memory while it is searched.
const chunk = 1 << 20

// Overlap returns how many bytes at the beginning of b stand at the end of a,
// or all of b where it stands anywhere in a; 0 if neither is so. Files of one log
// have that in common where it was copied while it grew, or rotated by copying.
func Overlap(a, b File) (int64, error) {
	head := make([]byte, min(b.Size, probe))
	if err := readAt(b, head, 0); err != nil {
		return 0, err
	}
	from := int64(0)
	for range tries {
		at, err := find(a, head, from)
		if err != nil || at < 0 {
			return 0, err
		}
		n := min(a.Size-at, b.Size)
		if n < least {
			return 0, nil
		}
		same, err := equal(a, at, b, 0, n)
		if err != nil {
			return 0, err
		}
		if same {
			return n, nil
		}
		from = at + 1
	}
	return 0, nil
}

// find returns where what, or at the end of the file a beginning of it,
// stands in a from an offset on; -1 if nowhere. A beginning shorter than a
// line is no match.
func find(a File, what []byte, from int64) (int64, error) {
	buf := make([]byte, chunk+len(what))
	line := bytes.IndexByte(what, '\n') + 1
	if line == 0 {
		return -1, nil
	}
	for ; from < a.Size; from += chunk {
		part := buf[:min(int64(len(buf)), a.Size-from)]
		if err := readAt(a, part, from); err != nil {
			return -1, err
		}
		for i := 0; i < len(part); {
			j := bytes.Index(part[i:], what[:line])
			if j < 0 {
				break
			}
			i += j
			rest := part[i:]
			if bytes.HasPrefix(rest, what) || bytes.HasPrefix(what, rest) && from+int64(len(part)) == a.Size {
				return from + int64(i), nil
			}
			i++
		}
	}
	return -1, nil
}

// equal compares n bytes of two inputs.
func equal(a File, atA int64, b File, atB, n int64) (bool, error) {
	x, y := make([]byte, chunk), make([]byte, chunk)
	for n > 0 {
		k := min(n, chunk)
		if err := errors.Join(readAt(a, x[:k], atA), readAt(b, y[:k], atB)); err != nil {
			return false, err
		}
		if !bytes.Equal(x[:k], y[:k]) {
			return false, nil
		}
		atA, atB, n = atA+k, atB+k, n-k
	}
	return true, nil
}

func readAt(in File, p []byte, at int64) error {
	n, err := in.Data.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: it became shorter while it was read; read a copy of it", in.Path)
	}
	return fmt.Errorf("%s: %w", in.Path, err)
}
