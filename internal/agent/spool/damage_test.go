package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"headroom/internal/agent/spool"
)

// damaged runs a world whose file with a word in its name was changed, and
// checks that only that file is missing at the hub, set aside and declared.
func damaged(t *testing.T, word string, change func([]byte) []byte) {
	t.Helper()
	w := open(t, spool.Options{})
	w.lossy = true
	w.must(w.appends("a", 2), w.seals("a"), w.appends("b", 2), w.seals("b"), w.appends("a", 3))
	name := w.names(word)[0]
	before := w.disk.Content(name)
	after := change(bytes.Clone(before))
	w.disk.Put(name, bytes.Clone(after))
	w.must(w.open)
	w.drain()
	w.check()
	bad := w.names(".bad")
	if len(bad) != 1 || w.spool.Stats().Bad != 1 {
		t.Fatalf("set aside: %v, counted %d, want one file", bad, w.spool.Stats().Bad)
	}
	if got := w.disk.Content(bad[0]); !bytes.Equal(got, after) {
		t.Errorf("the file set aside was changed from %q to %q", after, got)
	}
	for text := range w.kept {
		for id, body := range w.hub {
			if strings.Contains(string(before), text) && strings.Contains(body, text) {
				t.Errorf("batch %s has record %s of the damaged file", id, text)
			}
		}
		if !strings.Contains(string(before), text) && !contains(w.hub, text) {
			t.Errorf("record %s was lost with the damaged file", text)
		}
	}
}

func contains(hub map[spool.ID]string, text string) bool {
	for _, body := range hub {
		if strings.Contains(body, text) {
			return true
		}
	}
	return false
}

// TestDamageCostsOnlyTheFileItHit flips every byte and cuts at every length
// of a record and of a batch (D-12).
func TestDamageCostsOnlyTheFileItHit(t *testing.T) {
	for _, word := range []string{"record_", "batch_"} {
		w := open(t, spool.Options{})
		w.must(w.appends("a", 2), w.seals("a"), w.appends("a", 1))
		size := len(w.disk.Content(w.names(word)[0]))
		for i := range size {
			t.Run(fmt.Sprintf("%s flipped at %d", word, i), func(t *testing.T) {
				damaged(t, word, func(b []byte) []byte { b[i] ^= 0x10; return b })
			})
			t.Run(fmt.Sprintf("%s cut at %d", word, i), func(t *testing.T) {
				damaged(t, word, func(b []byte) []byte { return b[:i] })
			})
		}
		t.Run(word+" with a tail", func(t *testing.T) {
			damaged(t, word, func(b []byte) []byte { return append(b, 0) })
		})
	}
}

// TestUnreadableFileDoesNotBlockTheQueue lets the disk refuse one file for
// good: after a few attempts it is set aside and the queue goes on.
func TestUnreadableFileDoesNotBlockTheQueue(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 1), w.seals("a"), w.appends("b", 1), w.seals("b"))
	broken := w.names("batch_")[0]
	w.disk.Fault = func(_ int, what string) error {
		if what == "read "+broken {
			return errors.New("input/output error")
		}
		return nil
	}
	attempts := 0
	for len(w.hub) == 0 && attempts < 10 {
		attempts++
		if err := w.upload(); err != nil && !strings.Contains(err.Error(), "input/output error") {
			t.Fatal(err)
		}
	}
	if attempts != 3 {
		t.Errorf("the next batch went out at attempt %d, want the third", attempts)
	}
	if got := w.spool.Stats().Bad; got != 1 {
		t.Errorf("%d files set aside, want 1", got)
	}
}
