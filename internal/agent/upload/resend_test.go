package upload_test

import (
	"maps"
	"testing"
	"time"

	"headroom/internal/agent/upload"
)

// A backup may be from before an epoch began: the hub then says nothing of it,
// whether it is the present one or not.
func TestHubThatNeverHeardOfAnEpochGetsAllOfIt(t *testing.T) {
	h, sp, records := start(t)
	drain(t, h, sp)
	first := sp.Epoch().Epoch
	if _, err := sp.NewEpoch(); err != nil {
		t.Fatal(err)
	}
	records = append(records, reading(15, 4))
	keep(t, sp, reading(15, 4))
	pack(t, sp)
	drain(t, h, sp)
	second := sp.Epoch().Epoch

	h.stored, h.order = map[string][]byte{}, nil
	r := upload.Resender{Now: atNoon}
	again, err := r.Resend(sp, sp.Epochs(), nil)
	if want := map[string]int{first: 1, second: 1}; err != nil || !maps.Equal(again, want) {
		t.Errorf("Resend = %v, %v, want %v", again, err, want)
	}
	drain(t, h, sp)
	h.same(records...)
}

// What is gone from the spool is not looked for at every poll. A hub that loses
// more later gets that too, and one that loses the same again,
// a day later.
func TestHoleThatStaysIsAnsweredLessAndLess(t *testing.T) {
	h, sp, _ := start(t)
	keep(t, sp, reading(15, 4))
	pack(t, sp)
	drain(t, h, sp)
	epoch := sp.Epoch().Epoch
	now := noon
	r := upload.Resender{Now: func() time.Time { return now }}
	for i, c := range []struct {
		complete uint64
		want     int
		later    time.Duration
	}{{3, 0, 0}, {2, 1, 0}, {2, 0, 0}, {3, 0, 0}, {2, 1, 0}, {1, 2, 0}, {1, 0, 23 * time.Hour}, {1, 2, time.Hour}, {1, 0, 47 * time.Hour}, {1, 2, time.Hour}} {
		now = now.Add(c.later)
		again, err := r.Resend(sp, sp.Epochs(), map[string]uint64{epoch: c.complete})
		if err != nil || again[epoch] != c.want {
			t.Errorf("answer %d, complete below %d: Resend = %v, %v, want %d batches", i+1, c.complete, again, err, c.want)
		}
		drain(t, h, sp)
	}
	r.Forget()
	again, err := r.Resend(sp, sp.Epochs(), map[string]uint64{epoch: 1, "0009-ab": 7})
	if want := map[string]int{epoch: 2}; err != nil || !maps.Equal(again, want) {
		t.Errorf("another hub: Resend = %v, %v, want %v", again, err, want)
	}
}
