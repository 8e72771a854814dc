package flexnet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
)

// A logMix says what a generated log consists of.
type logMix struct {
	name       string
	statistics int // lines of statistics in 100
	users      int
}

var logMixes = []logMix{
	{"half-events", 50, 400},
	{"statistics", 80, 100},
	{"events", 0, 600},
}

// generateLog writes a log of at least size bytes: a start block, then
// checkouts and checkins of a package with its member and of tokens, refusals,
// and statistics as daemons write them.
func generateLog(mix logMix, size int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2024, 1, 8, 0, 0, 0, 0, time.UTC)
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "%2d:%02d:%02d ", at.Hour(), at.Minute(), at.Second())
		fmt.Fprintf(&b, format+"\n", args...)
	}
	line("(lmgrd) FlexNet Licensing (v11.16.2.0 build 242461 x64_n6) started on LIC01 (IBM PC) (%s)", at.Format("1/2/2006"))
	line("(lmgrd) Started vendord (pid 1884)")
	features := []string{"64300ACD_F", "85730ACD_2012_0F", "MATLAB", "SIMULINK", "hfsshpc", "hfss_solve", "Signal_Toolbox", "cfd_base"}
	var open []string
	for day := 0; b.Len() < size; {
		at = at.Add(time.Duration(r.IntN(4)) * time.Second)
		if int(at.Unix()/21600) != day {
			day = int(at.Unix() / 21600)
			line("(lmgrd) TIMESTAMP %s", at.Format("1/2/2006"))
		}
		user := r.IntN(mix.users)
		switch n := r.IntN(100); {
		case n < mix.statistics:
			line("(vendord) (@vendord-SLOG@) 00000015 ms at %02d:%02d:%02d(%s),#45,(user%03d,PC-%04d.example.com,42)", at.Hour(), at.Minute(), at.Second(), at.Format("1/2/2006"), user, user)
		case n > 98:
			line("(vendord) DENIED: %q user%03d@PC-%04d.example.com  (Licensed number of users already reached. (-4,342))", features[user%8], user, user)
		case len(open) > 300 || len(open) > 0 && r.IntN(2) == 0:
			i := r.IntN(len(open))
			line("(vendord) IN: %s", open[i])
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		default:
			what := fmt.Sprintf("%q user%03d@PC-%04d.example.com  ", features[r.IntN(8)], user, user)
			if user%5 == 0 {
				what += fmt.Sprintf("(%d licenses) ", 2<<r.IntN(4))
			}
			line("(vendord) OUT: %s", what)
			open = append(open, what)
		}
	}
	return b.Bytes()
}

// BenchmarkLog reads with full aggregation: pairing, users, denials, peaks.
func BenchmarkLog(b *testing.B) {
	for _, mix := range logMixes {
		log := generateLog(mix, 32<<20)
		b.Run(mix.name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				t := flexnet.NewLogTotals(flexnet.LogOptions{})
				if _, err := t.Read(bytes.NewReader(log)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLogEvents reads the events only, as headroom read shows them.
func BenchmarkLogEvents(b *testing.B) {
	log := generateLog(logMixes[0], 32<<20)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		r := flexnet.NewLogReader(bytes.NewReader(log), flexnet.LogOptions{})
		for {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
