package sentinel_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/format/facts"
	"headroom/internal/format/sentinel"
)

func FuzzUsageLog(f *testing.F) {
	for _, in := range fixtures(f, "testdata/log/*.log") {
		f.Add(in, uint16(2))
	}
	f.Add([]byte(logLine("6")+logLine("2")), uint16(1))
	f.Add([]byte("# Startup x v1 Mon Jan 1 00:00:00 2001 978307200 h\r0 0 M Mon Jan 1 00:00:00 2001 0 f  0 1 0 u h 7.0 1"), uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, stop uint16) {
		whole, unread := fuzzedEvents(t, in)
		if unread.Total < len(unread.First) {
			t.Fatalf("%d unread, %d kept", unread.Total, len(unread.First))
		}
		l, err := sentinel.NewUsageLog(bytes.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		for range stop {
			if _, err := l.Next(); err != nil {
				break
			}
			if l.Offset() < last || l.Offset() > int64(len(in)) {
				t.Fatalf("offset %d behind %d, of %d", l.Offset(), last, len(in))
			}
			last = l.Offset()
		}
		if l.Offset() > 0 && beginsWithMark(in[l.Offset():]) {
			return // it means something else in the middle
		}
		// What comes from the offset on ends as the whole does.
		rest, _ := fuzzedEvents(t, in[l.Offset():])
		if len(rest) > len(whole) {
			t.Fatalf("%d events from byte %d on, %d in all", len(rest), l.Offset(), len(whole))
		}
		tail := whole[len(whole)-len(rest):]
		for i := range rest {
			rest[i].Line = tail[i].Line
		}
		if diff := cmp.Diff(tail, rest, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("from byte %d on: -want +got\n%s", l.Offset(), diff)
		}
	})
}

func beginsWithMark(in []byte) bool {
	return bytes.HasPrefix(in, []byte("\xEF\xBB\xBF")) || bytes.HasPrefix(in, []byte("\xFF\xFE")) || bytes.HasPrefix(in, []byte("\xFE\xFF"))
}

func fuzzedEvents(t *testing.T, in []byte) ([]facts.Event, facts.UnreadLines) {
	t.Helper()
	l, err := sentinel.NewUsageLog(bytes.NewReader(in), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []facts.Event
	for {
		e, err := l.Next()
		if errors.Is(err, io.EOF) {
			return all, l.Unread()
		}
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if e.Kind == 0 || e.At.IsZero() || e.At.Location() != time.UTC || e.Line < 1 || e.Kind < facts.Start && e.Pool.Feature == "" {
			t.Fatalf("event %+v", e)
		}
		if len(all) > 0 && e.Line < all[len(all)-1].Line {
			t.Fatalf("line %d behind line %d", e.Line, all[len(all)-1].Line)
		}
		all = append(all, e)
	}
}
