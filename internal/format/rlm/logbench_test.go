package rlm_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
)

func benchmarkLog(b *testing.B, log string, open func(log string) (logReader, error)) {
	b.Helper()
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := open(log)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.EOF) || r.Unread().Total != 0 {
			b.Fatal(err, r.Unread().First)
		}
	}
}

func BenchmarkISVLog(b *testing.B) {
	log := strings.Repeat("12/30 08:15 (acme) OUT: viewer v2026.01 by ann@pc1 \n12/30 09:08 (acme) IN: (client exit) viewer v2026.01 by ann@pc1 \n", 10_000)
	benchmarkLog(b, log, func(log string) (logReader, error) {
		return rlm.NewISVLog(strings.NewReader(log), facts.Options{At: at})
	})
}

func BenchmarkReportLog(b *testing.B) {
	log := reportStart + strings.Repeat(
		"OUT viewer 2026.01 2 ann pc1 \"\" 1 1 0 41 41 7b1 \"\" \"\" \"\" 12/31 22:15:14\nIN 1 viewer 2026.01 ann pc1 \"\" 1 0 0 41 12/31 22:20:39\n", 10_000)
	benchmarkLog(b, log, func(log string) (logReader, error) {
		return rlm.NewReportLog(strings.NewReader(log), facts.Options{})
	})
}
