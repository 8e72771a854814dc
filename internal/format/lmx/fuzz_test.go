package lmx_test

import (
	"bytes"
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/format/lmx"
	"headroom/internal/formattest"
)

func FuzzStatus(f *testing.F) {
	for _, in := range fixtures(f) {
		f.Add(in)
	}
	// Short inputs are what mutation works best on.
	for _, in := range []string{
		"LM-X License Server on 1@a:2@b:\nServer version: v1\nFeature: f Version: 1 Vendor: V\nStart date: NONE Expire date: 2026-01-01\n1 of 2 license(s) used:\n1 license(s) used by u@h [1]\nLogin time: 2026-01-01 00:00\n",
		"There are no license server(s) available.",
		`<LICENSE_PATH HOST="1@a"><FEATURE NAME="f" USED_LICENSES="1" TOTAL_LICENSES="2" END="0000-01-01"><USER NAME="u" USED_LICENSES="1" BORROW="x"/></FEATURE></LICENSE_PATH>`,
		"<LICENSE_PATH\n<FEATURE>&",
		"<?xml version=\"1.0\" encoding=\"x\"?>\n<LICENSE_PATH>\n<FEATURE NAME=\"f<\"\n<!--\n",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := lmx.ParseStatus(bytes.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		formattest.CheckOutput(t, out)
		for _, s := range out.Servers {
			if (s.Error == "") == (len(s.Snapshot.Readings) == 0) {
				t.Fatalf("error %q, %d readings", s.Error, len(s.Snapshot.Readings))
			}
		}
	})
}
