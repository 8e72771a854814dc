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
	mill := license.Pool{Feature: "MILL"}
	want := []facts.Event{
		{Kind: facts.Mark, Line: 1},
		{Kind: facts.Out, Daemon: "acmed", Pool: mill, User: "kim", Host: "ws1", Licenses: 2, Handle: "PRO\x00", Line: 2},
		{Kind: facts.Refused, Daemon: "acmed", Pool: license.Pool{Feature: "LATHE"}, User: "kim", Host: "ws1", Licenses: 1, Code: -18, Again: true, Line: 3},
		{Kind: facts.Refused, Daemon: "acmed", Pool: mill, User: "lee", Host: "ws2", Licenses: 1, Code: -4, Line: 4},
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

// A paused reader gives its texts one after the other, and looks at each pause.
type paused struct {
	texts []string
	look  func()
}

func (p *paused) Read(b []byte) (int, error) {
	p.look()
	if len(p.texts) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.texts[0])
	if p.texts[0] = p.texts[0][n:]; p.texts[0] == "" {
		p.texts = p.texts[1:]
	}
	return n, nil
}

func TestOffsetSaysThatAnOldLineMayGoOn(t *testing.T) {
	const dated = " 8:00:00 (acmed) TIMESTAMP 3/3/2026\n"
	for first, whole := range map[string]bool{
		dated + ` 8:00:01 (acmed) OUT: "MILL" kim@ws1  ` + "\n":                                      true,
		dated + ` 8:00:01 (acmed) OUT: MILL kim@ws1  ` + "\n":                                        false, // ... (2 licenses)
		dated + ` 8:00:01 (acmed) DENIED: "MILL" kim@ws1` + "\n":                                     false, // ... (why)
		dated + ` 8:00:01 (acmed) DENIED: "MILL" kim@ws1  (No such feature exists. (-5,346))` + "\n": true,
	} {
		var log *flexnet.LogFacts
		seen := int64(-1) // when all of first was read
		p := &paused{texts: []string{first, " 8:00:02 (acmed) IN: \"MILL\" kim@ws1  \n"}}
		p.look = func() {
			if len(p.texts) == 1 && seen < 0 {
				seen = log.Offset()
			}
		}
		log = flexnet.NewLogFacts(p, flexnet.LogOptions{})
		for {
			if _, err := log.Next(); err != nil {
				break
			}
		}
		if got := seen == int64(len(first)); got != whole {
			t.Errorf("behind %q: %d of %d bytes are understood, all: %t, want %t", first, seen, len(first), got, whole)
		}
	}
}
