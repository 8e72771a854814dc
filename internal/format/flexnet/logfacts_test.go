package flexnet_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

func TestLogFactsAreThoseOfAllLogs(t *testing.T) {
	text := ` 8:00:00 (lmgrd) TIMESTAMP 3/3/2026
 8:00:01 (acmed) OUT: "MILL" kim@ws1  [PRO] (2 licenses) ` + "\r\n" + ` 8:00:02 (acmed) UNSUPPORTED: "LATHE" (PORT_AT_HOST_PLUS   ) kim@ws1  (License server system does not support this feature. (-18,327))
 8:00:03 (acmed) DENIED: "MILL" lee@ws2  (Licensed number of users already reached. (-4,342))
 8:00:04 (acmed) OUT: what is this
 8:00:05 (lmgrd) Shutdown requested from kim at node lic01
`
	log := flexnet.NewLogFacts(strings.NewReader(text), flexnet.LogOptions{})
	var got []facts.Event
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	mill := license.Pool{Feature: "MILL", Daemon: "acmed"}
	want := []facts.Event{
		{Kind: facts.Mark, Line: 1},
		{Kind: facts.Out, Pool: mill, User: "kim", Host: "ws1", Licenses: 2, Handle: "PRO\x00", Line: 2},
		{Kind: facts.Refused, Pool: license.Pool{Feature: "LATHE", Daemon: "acmed"}, User: "kim", Host: "ws1", Licenses: 1, Code: -18, Again: true, Line: 3},
		{Kind: facts.Refused, Pool: mill, User: "lee", Host: "ws2", Licenses: 1, Code: -4, Line: 4},
		{Kind: facts.Shutdown, Line: 6},
	}
	for i := range got {
		if got[i].At.IsZero() {
			t.Errorf("event of line %d has no date", got[i].Line)
		}
		got[i].At, got[i].Reason = time.Time{}, ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := log.Offset(); n != int64(len(text)) {
		t.Errorf("Offset = %d after %d bytes", n, len(text))
	}
	if events, always := log.Loss(); events != 1 || always {
		t.Errorf("Loss = %d, %t, want the one line that is no event", events, always)
	}
}
