package delivery_test

import (
	"time"
)

// keptFor is how long an agent hears nothing of its hub at most: after 14 days it has given up what
// a restored hub may have lost.
const keptFor = 8 * 24 * time.Hour

// happen lets something happen to the world, most of the time nothing.
func (w *world) happen() {
	w.t.Helper()
	a := w.agents[w.rnd.IntN(len(w.agents))]
	if w.rnd.IntN(3) == 0 {
		a.disk.Fault = nil // whatever was armed and never went off
	}
	if w.plan.bad && a.disk.Fault == nil && w.rnd.IntN(4) == 0 {
		a.failNowAndThen(w.rnd)
	}
	if w.plan.cuts && w.rnd.IntN(12) == 0 {
		a.crashIn(1 + w.rnd.IntN(40))
	}
	if w.plan.full && w.rnd.IntN(20) == 0 {
		a.disk.Size = a.disk.Used() + w.rnd.Int64N(500)
		w.say("the disk of %s is full", a.name)
	} else if a.disk.Size != 0 && w.rnd.IntN(6) == 0 {
		a.disk.Size = 0
		w.say("the disk of %s has room again", a.name)
	}
	if w.rnd.IntN(30) == 0 {
		a.cutOff = !a.cutOff
		w.say("%s is cut off: %t", a.name, a.cutOff)
	}
	if w.plan.clock && w.rnd.IntN(25) == 0 {
		a.skew = w.drawSkew()
		w.say("the clock of %s is %s ahead", a.name, a.skew)
	}
	w.happenToDisks(a)
	w.happenToHub()
}

// drawSkew draws how wrong a clock is. Years are for runs without a restored
// hub: a clock that is far ahead ends the time for which sent batches are kept.
func (w *world) drawSkew() time.Duration {
	switch n := w.rnd.IntN(10); {
	case n < 3:
		return 0
	case n == 9 && !w.plan.restores:
		return time.Duration(w.rnd.IntN(2*20*365)-20*365) * 24 * time.Hour
	}
	return time.Duration(w.rnd.IntN(2*72)-72) * time.Hour
}

// happenToDisks copies disks and brings copies back.
func (w *world) happenToDisks(a *agentSide) {
	if (w.plan.rollback || w.plan.clone) && w.rnd.IntN(20) == 0 {
		a.kept = a.disk.Copy()
		w.say("%s: its disk is copied", a.name)
	}
	if a.kept == nil {
		return
	}
	if w.plan.rollback && w.rnd.IntN(20) == 0 {
		w.say("%s goes on with the older copy of its disk", a.name)
		w.count.copies++
		for _, s := range w.samples[1:] {
			if s.by == a && !s.acked {
				s.excused = "the disk was rolled back"
			}
		}
		a.disk = a.kept.Copy()
		a.start()
	}
	if w.plan.clone && len(w.agents) == 1 && w.rnd.IntN(10) == 0 {
		twin := &agentSide{w: w, name: "the clone", disk: a.kept.Copy(), budget: a.budget, removed: a.removed}
		w.say("a clone of %s begins to work", a.name)
		w.count.copies++
		w.agents = append(w.agents, twin)
		twin.start()
	}
}

func (w *world) happenToHub() {
	if w.plan.restores {
		if w.backup.IsZero() || w.now.Sub(w.backup) > 24*time.Hour && w.rnd.IntN(4) == 0 {
			w.backup = w.now
			w.hub.backup()
		}
		if w.rnd.IntN(60) == 0 {
			w.say("the hub goes on with the backup of %s", w.backup.Format("01-02 15:04"))
			w.count.restores++
			w.hub.restore()
			w.before = nil // it may be from before the removal, or from before the registration after it
		}
	}
	if w.plan.erase && w.rnd.IntN(60) == 0 {
		server := w.rnd.IntN(len(guids))
		w.say("the usage data of server %d are deleted", server)
		w.count.erased++
		w.hub.erase(guids[server])
		w.erased[server] = w.now.Unix()
	}
	if !w.plan.remove {
		return
	}
	switch {
	case w.before == nil && !w.agents[0].removed && w.rnd.IntN(80) == 0:
		w.say("the registration is removed")
		w.count.removals++
		w.hub.remove()
		w.before = w.hub.complete()
	case (w.before != nil || w.agents[0].removed) && (w.rnd.IntN(15) == 0 || w.now.Sub(w.agents[0].heard) > keptFor):
		w.say("the agent registers again")
		w.checkRemoved()
		w.before = nil
		w.calm = true
		for _, a := range w.agents {
			fault := a.disk.Fault
			a.disk.Fault = nil
			a.register()
			a.disk.Fault = fault
		}
		w.calm = false
	}
}
