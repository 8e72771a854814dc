// Package delivery_test proves the whole way of a sample at once: the real
// spool, uploader, ingest and store over a clock, a disk and a network that
// fail, and what is promised of all of them together.
package delivery_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"time"

	"headroom/internal/agent/spool/spooltest"
)

// days is how long a run lasts, in simulated days.
const days = 30

// A world is one run: everything that happens follows from its seed.
type world struct {
	t     *testing.T
	rnd   *rand.Rand
	plan  plan
	key   ed25519.PrivateKey // of the agent and its clones
	trace bytes.Buffer       // what happened
	now   time.Time          // the true time, which is the hub's
	calm  bool               // nothing fails any more
	fault func() string      // of the network, for the next request
	hub   *hubSide

	agents  []*agentSide
	samples []*sample // by n; the first is none
	erased  map[int]int64
	held    []func()          // requests that the network holds back
	backup  time.Time         // when the last one was made
	before  map[string]uint64 // what the hub had when the agent was removed; nil while it is registered

	count struct{ batches, refused, forks, resent, cuts, kills, restores, copies, erased, removals, gaps, unstored int }
}

// A sample is one value that was read, which no other one has.
type sample struct {
	n       int64
	server  int
	taken   int64  // the true instant
	at      int64  // by the agent's clock
	offset  int64  // the hub's clock minus the agent's as it was known, in milliseconds
	kept    bool   // the spool has accepted it
	acked   bool   // the agent was told that the hub has it
	excused string // why it may be missing; empty if it may not
	by      *agentSide
}

// believed is the instant under which the hub keeps a sample.
func (s *sample) believed() int64 {
	if s.offset > 300_000 || s.offset < -300_000 {
		return s.at + s.offset/1000
	}
	return s.at
}

// A plan is what may happen in a run. Not everything happens in each: what
// would excuse a loss hides one that nothing excuses.
type plan struct {
	network  []string // kinds of faults
	trouble  int      // percent of requests that have one
	cuts     bool     // power cuts of the agent
	bad      bool     // a disk that fails now and then
	full     bool     // a disk that is full for some time
	budget   int64    // of the spool; 0: as much as it likes
	clock    bool     // the agent's clock is set wrong
	restores bool     // the hub goes on with yesterday's backup
	rollback bool     // the agent goes on with an older copy of its disk
	clone    bool     // and so does another agent beside it
	erase    bool
	remove   bool
}

// newPlan draws a plan. A spool that drops what was sent, or that was rolled back,
// cannot give back what a restored hub has lost; and of two clones under one
// identity a restored hub asks neither for what the other has sent meanwhile.
func newPlan(rnd *rand.Rand) plan {
	yes := func() bool { return rnd.IntN(2) == 0 }
	p := plan{trouble: 1 + rnd.IntN(30), cuts: yes(), bad: rnd.IntN(4) == 0, full: rnd.IntN(4) == 0, clock: yes(), clone: rnd.IntN(3) == 0, erase: rnd.IntN(3) == 0, remove: rnd.IntN(3) == 0}
	for _, kind := range networkFaults {
		if yes() {
			p.network = append(p.network, kind)
		}
	}
	switch rnd.IntN(4) {
	case 0:
		p.budget = 6000 + rnd.Int64N(20_000)
	case 1:
		p.rollback = true
	default:
		p.restores = !p.clone
	}
	return p
}

// newWorld is a hub that knows the agent, and the agent on an empty disk.
func newWorld(t *testing.T, seed uint64, dir string) *world {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	rnd := rand.New(rand.NewPCG(seed, 8))
	w := &world{
		t: t, rnd: rnd, plan: newPlan(rnd), now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		samples: []*sample{nil}, erased: map[int]int64{},
	}
	_, w.key = keyOf("agent")
	w.hub = newHub(t, dir, func() time.Time { return w.now })
	w.say("plan %+v", w.plan)
	a := &agentSide{w: w, name: "the agent", disk: spooltest.New(), budget: w.plan.budget}
	w.agents = append(w.agents, a)
	w.fault, w.calm = w.networkFault, true
	a.start()
	a.register()
	w.calm = false
	return w
}

// say notes what happens.
func (w *world) say(format string, args ...any) {
	fmt.Fprintf(&w.trace, "%s ", w.now.Format("01-02 15:04"))
	fmt.Fprintf(&w.trace, format+"\n", args...)
}

// newSample is the next sample of a license server. Samples are a second apart
// in every hour, and clocks are wrong by whole hours: so two of them never have
// one instant, whatever is believed of the clocks.
func (w *world) newSample(a *agentSide, server int) *sample {
	w.t.Helper()
	n := int64(len(w.samples))
	if n >= 3600 {
		w.t.Fatal("more samples than seconds of an hour")
	}
	s := &sample{n: n, server: server, taken: w.now.Unix() + n, at: a.now().Unix() + n, offset: a.client.Offset().Milliseconds(), by: a}
	w.samples = append(w.samples, s)
	return s
}

// run lets 30 days pass.
func (w *world) run() {
	w.t.Helper()
	for end := w.now.Add(days * 24 * time.Hour); w.now.Before(end); {
		w.now = w.now.Add(time.Duration(1+w.rnd.IntN(5)) * time.Hour)
		w.happen()
		for _, a := range w.agents {
			a.read(w.rnd.IntN(len(guids)))
			if a.disk.Dead {
				w.count.cuts++
				a.powerCut()
			}
			w.calm = w.now.Sub(a.heard) > keptFor
			if !a.removed && (w.calm || w.rnd.IntN(6) == 0) {
				if err := a.exchange(); err != nil {
					w.say("%s: %v", a.name, err)
				}
			}
			w.calm = false
			if a.disk.Dead {
				w.count.cuts++
				a.powerCut()
			}
		}
	}
}

// settle lets everything work again, until nothing waits any more.
func (w *world) settle() {
	w.t.Helper()
	w.calm = true
	w.say("everything works again")
	w.release()
	for _, a := range w.agents {
		a.disk.Fault, a.disk.Size, a.skew, a.cutOff = nil, 0, 0, false
		if a.removed || w.before != nil {
			w.checkRemoved()
			a.register()
		}
	}
	for range 4 { // with each poll the hub says what it still lacks
		for _, a := range w.agents {
			w.now = w.now.Add(25 * time.Hour)
			if err := a.exchange(); err != nil && !a.removed {
				w.t.Errorf("%s: %v", a.name, err)
			}
			if a.removed { // by a backup of a time when it was
				a.register()
			}
			for server := range guids {
				a.read(server)
			}
		}
	}
	for _, a := range w.agents {
		if err := a.exchange(); err != nil {
			w.t.Errorf("%s: %v", a.name, err)
		}
		if s := a.spool.Stats(); s.Waiting+s.Ready+s.Lost > 0 {
			w.t.Errorf("%s still has %+v", a.name, s)
		}
	}
}

// live is a whole run with its check, of a hub that begins with a database.
func live(t *testing.T, founded string, seed uint64) *world {
	t.Helper()
	dir := filepath.Join(filepath.Dir(founded), fmt.Sprint("seed-", seed))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}()
	copyFile(t, founded, filepath.Join(dir, "hub.db"))
	w := newWorld(t, seed, dir)
	defer w.hub.stop()
	w.run()
	w.settle()
	w.check()
	if t.Failed() {
		t.Logf("seed %d; what happened:\n%s", seed, w.trace.Bytes())
	}
	return w
}
