package delivery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"time"

	"headroom/internal/agent/spool/spooltest"
)

// D-03: the agent is killed before each operation on its files that a delivery takes,
// and the hub before and after each request. The loops end where there is no such
// operation any more: one that is added is killed too.
func TestKillAtEveryStepLosesAndDoublesNothing(t *testing.T) {
	founded := founded(t)
	operations := 0
	for at := 1; ; at++ {
		w := newStory(t, founded, fmt.Sprintf("agent-%d", at))
		first := w.agents[0].disk.Ops
		w.agents[0].disk.Fault = func(op int, _ string) error {
			if op >= first+at {
				return spooltest.ErrPower
			}
			return nil
		}
		w.tell(fmt.Sprintf("the agent was killed before operation %d", at))
		if w.count.cuts == 0 {
			operations = at - 1
			break
		}
	}
	requests := 0
	for at := 1; ; at++ {
		killed := false
		for _, when := range []string{"hub killed before", "hub killed after"} {
			w := newStory(t, founded, fmt.Sprintf("%s-%d", when, at))
			n := 0
			w.fault = func() string {
				if n++; n == at {
					return when
				}
				return ""
			}
			w.tell(fmt.Sprintf("%s request %d", when, at))
			killed = killed || w.hub.lives > 1 // one is a backup that was restored
		}
		if !killed {
			requests = at - 1
			break
		}
	}
	if operations < 150 || requests < 15 {
		t.Errorf("only %d operations and %d requests; what is missing?", operations, requests)
	}
	t.Logf("D-03: the agent killed before each of %d operations, the hub before and after each of %d requests", operations, requests)
}

// newStory is a world in which nothing happens by chance.
func newStory(t *testing.T, founded, name string) *world {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 1)
	dir := filepath.Join(filepath.Dir(founded), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	copyFile(t, founded, filepath.Join(dir, "hub.db"))
	w := newWorld(t, 1, dir)
	w.plan, w.fault = plan{}, func() string { return "" }
	return w
}

// tell lets everything happen that a delivery can meet: batches of two license servers,
// a record that the hub refuses, a clone, a hub that lost what it had.
func (w *world) tell(what string) {
	w.t.Helper()
	a := w.agents[0]
	step := func(f func()) {
		if w.now = w.now.Add(time.Hour); a.disk.Dead {
			w.count.cuts++
			a.disk = a.disk.Copy() // killed, not cut off: the system has all that was written
			a.start()
		}
		f()
	}
	read := func() { a.read(0) }
	send := func(a *agentSide) func() {
		return func() {
			if err := a.exchange(); err != nil {
				w.say("%s: %v", a.name, err)
			}
		}
	}
	step(read)
	step(func() { a.read(1) })
	step(read)
	step(send(a))
	step(read)
	step(func() { a.skew = 72 * time.Hour })
	step(read) // nobody believes that
	step(func() { a.skew = 0 })
	step(read)
	step(send(a))
	step(w.hub.backup)
	step(read)
	step(send(a))
	step(w.hub.restore)
	step(send(a)) // all of it again
	step(send(a))
	step(func() { w.agents = append(w.agents, &agentSide{w: w, name: "the clone", disk: a.disk.Copy()}) })
	clone := w.agents[1]
	clone.start()
	step(func() { clone.read(0) })
	step(send(clone))
	step(read)
	step(send(a)) // a fork
	step(func() {})
	w.settle()
	w.check()
	w.hub.stop()
	if w.t.Failed() {
		w.t.Fatalf("%s:\n%s", what, w.trace.Bytes())
	}
	if err := os.RemoveAll(w.hub.dir); err != nil {
		w.t.Fatal(err)
	}
}
