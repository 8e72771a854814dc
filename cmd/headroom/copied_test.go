package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
)

// D-06: an agent that was rolled back to a copy of the day before, and a clone of it
// that works beside it, lose and double nothing: the hub answers 409, the next upload
// is in a new epoch, and the console tells of it after the first upload.
func TestCopiedAgentLosesAndDoublesNothingAndIsTold(t *testing.T) {
	program := build(t)
	t.Run("rolled back", func(t *testing.T) {
		w := newWorld(t, program, storetest.SQLite(t))
		w.fill(5)
		w.sendAll()
		yesterday := w.copyState("yesterday")
		w.fill(5)
		w.sendAll()
		w.told(false)
		if err := os.RemoveAll(w.agent.State); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(yesterday.agent.State, w.agent.State); err != nil {
			t.Fatal(err)
		}
		w.fill(5)
		w.sendAll()
		w.told(true)
		w.epochs(2)
	})
	t.Run("cloned", func(t *testing.T) {
		w := newWorld(t, program, storetest.SQLite(t))
		w.fill(5)
		w.sendAll()
		w.fill(3) // both have these
		clone := w.copyState("clone")
		clone.next += 30 // it reads at other instants
		for round := range 4 {
			for _, one := range []*world{w, clone} {
				one.fill(3)
				one.sendAll()
				w.told(round > 0 || one == clone)
			}
		}
		w.epochs(2)
	})
}

// copyState is the same agent on a copy of its folder.
func (w *world) copyState(name string) *world {
	w.t.Helper()
	c := *w
	state := filepath.Join(filepath.Dir(w.agent.State), name)
	if err := os.CopyFS(state, os.DirFS(w.agent.State)); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(state, "key.pem"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	c.config = filepath.Join(filepath.Dir(w.config), name+".toml")
	text = []byte(strings.Replace(string(text), `state = "state"`, `state = "`+name+`"`, 1))
	if err := os.WriteFile(c.config, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if c.agent, err = agent.LoadConfig(c.config); err != nil {
		w.t.Fatal(err)
	}
	return &c
}

// told wants the console to tell that two have used the agent's identity, or not to.
func (w *world) told(want bool) {
	w.t.Helper()
	w.t.Run("", func(t *testing.T) { // the hub ends with it
		h := hubtest.Reopen(t, func(c *hub.Config) { c.Addr, c.Store = w.addr, w.db })
		o, err := h.Usage.Overview(t.Context(), w.org)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(o.Forked) == 1 && time.Since(o.Forked[0].Forked) < time.Minute; got != want {
			t.Errorf("Usage tells of a copied agent: %t, want %t (%+v)", got, want, o.Forked)
		}
	})
}

// epochs compares every value, and wants so many epochs without a hole.
func (w *world) epochs(want int) {
	w.t.Helper()
	complete := w.compareValues()
	w.t.Logf("D-06: %d values, complete below %v", len(w.want), complete)
	if len(complete) != want {
		w.t.Errorf("epochs %v, want %d", complete, want)
	}
}
