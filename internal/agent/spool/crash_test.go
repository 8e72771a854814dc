package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/spool/spooltest"
	"pgregory.net/rapid"
)

// life is one of everything that an agent does, over and over. It stops where
// stop says so after an error.
func life(w *world, stop func(error) bool) {
	steps := []func() error{
		func() error { return w.append("a", "x") },
		func() error { return w.append("b", "x") },
		func() error { return w.append("a", "x") },
		func() error { return w.seal("a", 10) },
		w.upload,
		func() error { return w.append("a", "x") },
		func() error { return w.append("a", "poison") },
		func() error { return w.append("b", "x") },
		func() error { return w.seal("b", 1) },
		func() error { return w.seal("a", 10) },
		w.upload,
		w.upload, // the poisoned one is divided
		w.upload,
		w.upload, // and its second half set aside
		func() error { return w.loseSince(spool.ID{Epoch: w.spool.Epoch().Epoch, Seq: 2}) },
		func() error {
			w.forks[w.spool.Epoch()] = true
			return w.append("b", "x")
		},
		func() error { return w.seal("b", 10) },
		w.upload,
		w.upload,
		w.upload, // the fork
		w.upload,
		func() error { return w.append("c", "poison") },
		func() error { return w.append("c", "x") },
		func() error { return w.append("c", "x") },
		func() error { return w.append("c", "x") },
		func() error { return w.seal("c", 10) },
		w.upload,
		w.upload, // divided twice in a row
		func() error { return w.append("a", "x") },
	}
	for _, step := range steps {
		if err := step(); err != nil && !errors.Is(err, spool.ErrEmpty) && stop(err) {
			return
		}
	}
}

// TestPowerCutAtEveryStepLosesAndDoublesNothing is D-04. It cuts the power before every
// file operation there is, and reopens what a disk may have kept: nothing
// that was not synced, all of it, and any part of it.
func TestPowerCutAtEveryStepLosesAndDoublesNothing(t *testing.T) {
	for cut := 1; ; cut++ {
		if !cutAt(t, cut) {
			if cut < 150 {
				t.Fatalf("the life of a spool has only %d operations; what is missing?", cut-1)
			}
			t.Logf("D-04: cut before each of %d operations, %d states of the disk after each", cut-1, variants)
			return
		}
	}
}

// variants is how many states of the disk are tried after each cut: nothing
// unsynced is kept, all of it, and else a part by chance.
const variants = 10

// cutAt lives until operation number cut and checks what survives. It returns
// false when there is no such operation.
func cutAt(t *testing.T, cut int) bool {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(cut), 8))
	for variant := range variants {
		w := newWorld(t, spool.Options{})
		w.disk.Fault = func(op int, _ string) error {
			if op == cut {
				return spooltest.ErrPower
			}
			return nil
		}
		if err := w.open(); err == nil {
			life(w, func(error) bool { return w.disk.Dead })
		}
		if !w.disk.Dead {
			return false
		}
		keep := func() bool { return variant == 1 || variant > 1 && rnd.IntN(2) == 0 }
		w.disk = w.disk.PowerCut(keep, rnd)
		settle(t, w, fmt.Sprintf("cut before operation %d, variant %d", cut, variant))
	}
	return true
}

// settle reopens a world, drains it and checks it.
func settle(t *testing.T, w *world, what string) {
	t.Helper()
	if err := w.open(); err != nil {
		t.Fatalf("%s: open again: %v", what, err)
	}
	w.drain()
	w.check()
	if t.Failed() {
		t.Fatalf("%s: see above", what)
	}
}

// TestFailureOfEveryStepIsToldAndMended is the spool's part of D-11. It lets every file operation fail once,
// in the middle of a life that goes on: no promise is broken, with and
// without opening again.
func TestFailureOfEveryStepIsToldAndMended(t *testing.T) {
	for _, failure := range []error{errors.New("input/output error"), spooltest.ErrNoSpace} {
		for reopen := range 2 {
			for n := 1; ; n++ {
				w := newWorld(t, spool.Options{})
				if err := w.open(); err != nil {
					t.Fatal(err)
				}
				first, what := w.disk.Ops, ""
				w.disk.Fault = func(op int, name string) error {
					if op != first+n {
						return nil
					}
					what = name
					return failure
				}
				life(w, func(error) bool { return false })
				if what == "" {
					t.Logf("D-11: %v at each of %d operations, opened again at once: %t", failure, n-1, reopen == 1)
					break
				}
				w.disk.Fault = nil
				if reopen == 0 {
					w.drain()
				}
				settle(t, w, fmt.Sprintf("%v at operation %d (%s)", failure, n, what))
			}
		}
	}
}

// TestFailureFollowedByPowerCutLosesNothing fails one operation and cuts the
// power a few operations later: what was read again after the failure must
// not be believed to be durable.
func TestFailureFollowedByPowerCutLosesNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for n := 1; ; n++ {
		for _, later := range []int{1, 2, 4, 8} {
			w := newWorld(t, spool.Options{})
			if err := w.open(); err != nil {
				t.Fatal(err)
			}
			first := w.disk.Ops
			w.disk.Fault = func(op int, _ string) error {
				switch op {
				case first + n:
					return errors.New("input/output error")
				case first + n + later:
					return spooltest.ErrPower
				}
				return nil
			}
			life(w, func(error) bool { return w.disk.Dead })
			if w.disk.Ops < first+n {
				return
			}
			w.disk = w.disk.PowerCut(func() bool { return rnd.IntN(2) == 0 }, rnd)
			settle(t, w, fmt.Sprintf("failure of operation %d, cut %d later", n, later))
		}
	}
}

// TestAnyLifeKeepsItsPromises lets the machine look for an order of events,
// power cuts and a tight budget among them, that loses or doubles a record.
func TestAnyLifeKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, spool.Options{Budget: int64(rapid.SampledFrom([]int{0, 1500}).Draw(t, "budget"))})
		w.lossy = w.opt.Budget != 0
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		server := rapid.SampledFrom([]string{"a", "b", "c"})
		w.act(t, "append", func() error { return w.append(server.Draw(t, "server"), "x") })
		actions := map[string]func() error{
			"append": func() error { return w.append(server.Draw(t, "server"), "x") },
			"poison": func() error { return w.append(server.Draw(t, "server"), "poison") },
			"large":  func() error { return w.append(server.Draw(t, "server"), strings.Repeat("x", 300)) },
			"seal":   func() error { return w.seal(server.Draw(t, "server"), rapid.IntRange(1, 9).Draw(t, "records")) },
			"upload": w.upload,
			"lose": func() error {
				id := w.spool.Epoch()
				if w.opt.Budget != 0 {
					return nil // what no longer fits cannot be sent again
				}
				id.Seq = rapid.Uint64Range(1, id.Seq).Draw(t, "from")
				return w.loseSince(id)
			},
			"fork":   func() error { w.forks[w.spool.Epoch()] = true; return nil },
			"reopen": w.open,
			"cut": func() error {
				return w.cutDuringUpload(rapid.IntRange(1, 12).Draw(t, "operations"), rnd)
			},
		}
		names := []string{"append", "append", "append", "append", "poison", "large", "seal", "seal", "upload", "upload", "upload", "lose", "fork", "reopen", "cut"}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "do")
			w.act(t, name, actions[name])
		}
		w.drain()
		w.check()
	})
}

// act does a step that must not fail.
func (w *world) act(t *rapid.T, name string, step func() error) {
	t.Helper()
	if err := step(); err != nil && !errors.Is(err, spool.ErrEmpty) {
		t.Fatalf("%s: %v", name, err)
	}
}

// cutDuringUpload lets the power fail while things are going on, and opens
// what is left.
func (w *world) cutDuringUpload(operations int, rnd *rand.Rand) error {
	last := w.disk.Ops + operations
	w.disk.Fault = func(op int, _ string) error {
		if op >= last {
			return spooltest.ErrPower
		}
		return nil
	}
	for !w.disk.Dead {
		for _, step := range []func() error{
			func() error { return w.append("a", "x") },
			func() error { return w.seal("a", 5) },
			w.upload,
		} {
			if err := step(); err != nil && !w.disk.Dead && !errors.Is(err, spool.ErrEmpty) {
				return err
			}
		}
	}
	w.disk = w.disk.PowerCut(func() bool { return rnd.IntN(2) == 0 }, rnd)
	return w.open()
}
