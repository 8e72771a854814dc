package spool_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/spool/spooltest"
)

// A world is a spool together with the agent that fills it and the hub that
// drains it. It remembers what was promised, through every crash.
type world struct {
	t     failer
	disk  *spooltest.Disk
	opt   spool.Options
	spool *spool.Spool
	clock time.Time

	taken  int                 // records made so far
	kept   map[string]bool     // records that Append accepted
	times  map[string]int64    // of each record
	bodies map[spool.ID]string // what Next has shown
	hub    map[spool.ID]string // what the hub has stored
	forks  map[spool.ID]bool   // identities under which the hub has other content
	losses []spool.ID          // from which on the hub lost an epoch
	limit  int                 // records that the hub takes in one batch
	lossy  bool                // something happens that may cost records, if only it is declared
}

// A failer is a test, of whatever kind.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

var start = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

func newWorld(t failer, opt spool.Options) *world {
	w := &world{
		t: t, disk: spooltest.New(), opt: opt, clock: start, limit: 3,
		kept: map[string]bool{}, times: map[string]int64{},
		bodies: map[spool.ID]string{}, hub: map[spool.ID]string{}, forks: map[spool.ID]bool{},
	}
	w.opt.Now = func() time.Time { return w.clock }
	w.opt.Declare = func(g spool.Gap) ([]byte, error) {
		return fmt.Appendf(nil, "gap %s %d %d %d %s", g.Server, g.From.Unix(), g.To.Unix(), g.Records, g.Batch), nil
	}
	if w.opt.Ballast == 0 {
		w.opt.Ballast = 64
	}
	return w
}

// open opens the spool on the disk as it is.
func (w *world) open() error {
	s, _, err := spool.New(w.disk, w.opt)
	if err == nil {
		w.spool = s
	}
	return err
}

// append takes a record of a server. Its text begins with the server, so that
// a record in another server's batch would be seen; a text with "poison" is
// one that the hub never takes.
func (w *world) append(server, kind string) error {
	w.taken++
	w.clock = w.clock.Add(5 * time.Minute)
	text := fmt.Sprintf("%s:%d:%s", server, w.taken, kind)
	w.times[text] = w.clock.Unix()
	err := w.spool.Append(server, w.clock, []byte(text))
	if err == nil {
		w.kept[text] = true
	}
	return err
}

func build(id spool.ID, records [][]byte) []byte {
	lines := []string{id.String()}
	for _, r := range records {
		lines = append(lines, string(r))
	}
	return []byte(strings.Join(lines, "\n"))
}

func (w *world) seal(server string, n int) error {
	_, _, err := w.spool.Seal(server, spool.Limit{Records: n}, func(id spool.ID, records [][]byte) ([]byte, error) {
		return build(id, records), nil
	})
	return err
}

// upload does what an uploader does with the oldest batch.
func (w *world) upload() error {
	w.t.Helper()
	b, err := w.spool.Next()
	if err != nil {
		return err
	}
	body := string(b.Body)
	if old, ok := w.bodies[b.ID]; ok && old != body {
		w.t.Fatalf("batch %s changed from %q to %q", b.ID, old, body)
	}
	w.bodies[b.ID] = body
	lines := strings.Split(body, "\n")
	if lines[0] != b.String() {
		w.t.Fatalf("batch %s says that it is %s", b.ID, lines[0])
	}
	switch {
	case w.forks[b.ID]:
		return w.leaveEpoch(b)
	case strings.Contains(body, "poison") && b.Records == 1:
		return w.spool.Bad(b.ID, "refused")
	case strings.Contains(body, "poison"), b.Records > w.limit:
		return w.split(b, b.Records/2)
	}
	w.hub[b.ID] = body
	return w.spool.Sent(b.ID)
}

func (w *world) leaveEpoch(b spool.Batch) error {
	if b.Epoch == w.spool.Epoch().Epoch {
		if _, err := w.spool.NewEpoch(); err != nil {
			return err
		}
	}
	return w.split(b, b.Records)
}

// split replaces a batch by one of its first n records and, if there are
// more, one of the others.
func (w *world) split(b spool.Batch, n int) error {
	var records [][]byte
	for _, line := range strings.Split(string(b.Body), "\n")[1:] {
		records = append(records, []byte(line))
	}
	return w.spool.Replace(b.ID, func(first spool.ID) ([]spool.Part, error) {
		parts := []spool.Part{{Body: build(first, records[:n]), Records: n}}
		if n < len(records) {
			first.Seq++
			parts = append(parts, spool.Part{Body: build(first, records[n:]), Records: len(records) - n})
		}
		return parts, nil
	})
}

// loseSince makes the hub forget an epoch from a sequence on, and the agent
// learn of it.
func (w *world) loseSince(id spool.ID) error {
	for have := range w.hub {
		if have.Epoch == id.Epoch && have.Seq >= id.Seq {
			delete(w.hub, have)
		}
	}
	w.losses = append(w.losses, id)
	_, err := w.spool.Resend(id.Epoch, id.Seq)
	return err
}

// drain seals and uploads everything there is. The hub repeats what it misses
// until it has it, as it does in every answer to a poll.
func (w *world) drain() {
	w.t.Helper()
	for _, id := range w.losses {
		if _, err := w.spool.Resend(id.Epoch, id.Seq); err != nil {
			w.t.Fatalf("resend from %s while draining: %v", id, err)
		}
	}
	for range 10_000 {
		for server := range w.spool.Waiting() {
			if err := w.seal(server, 4); err != nil {
				w.t.Fatalf("seal %s while draining: %v", server, err)
			}
		}
		err := w.upload()
		if errors.Is(err, spool.ErrEmpty) && len(w.spool.Waiting()) == 0 {
			return
		}
		if err != nil && !errors.Is(err, spool.ErrEmpty) {
			w.t.Fatalf("upload while draining: %v", err)
		}
	}
	w.t.Fatalf("the spool does not run dry")
}

// check tells whether every promise was kept, once everything was drained:
// what was accepted is at the hub once, or, where there was a reason to lose
// it, declared as lost; and nothing is there twice or under the wrong server.
func (w *world) check() {
	w.t.Helper()
	stored := map[string]int{}
	var gaps []string
	for id, body := range w.hub {
		lines := strings.Split(body, "\n")[1:]
		for _, line := range lines {
			stored[line]++
			if strings.HasPrefix(line, "gap") {
				gaps = append(gaps, line)
			}
			if w.times[line] != 0 && serverOf(line) != serverOf(lines[0]) {
				w.t.Errorf("batch %s mixes servers: %q", id, body)
			}
		}
	}
	for text, at := range w.times {
		switch n := stored[text]; {
		case n > 1:
			w.t.Errorf("record %s is at the hub %d times", text, n)
		case n == 0 && w.kept[text] && !w.lossy && !strings.HasSuffix(text, "poison"):
			w.t.Errorf("record %s was accepted and is not at the hub", text)
		case n == 0 && w.kept[text] && !declared(gaps, serverOf(text), at):
			w.t.Errorf("record %s was accepted, is not at the hub, and no gap of %v tells of it", text, gaps)
		}
	}
}

func serverOf(line string) string {
	if rest, ok := strings.CutPrefix(line, "gap "); ok {
		return strings.Fields(rest)[0]
	}
	server, _, _ := strings.Cut(line, ":")
	return server
}

func declared(gaps []string, server string, at int64) bool {
	return slices.ContainsFunc(gaps, func(gap string) bool {
		var s, batch string
		var from, to, n int64
		_, err := fmt.Sscanf(gap, "gap %s %d %d %d %s", &s, &from, &to, &n, &batch)
		return err == nil && s == server && from <= at && at <= to
	})
}

// mustOpen returns a spool in a directory of its own.
func mustOpen(t testing.TB, dir string, opt spool.Options) *spool.Spool {
	t.Helper()
	opt.Now = time.Now
	if opt.Declare == nil {
		opt.Declare = func(g spool.Gap) ([]byte, error) { return fmt.Appendf(nil, "gap %s", g.Reason), nil }
	}
	s, _, err := spool.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
