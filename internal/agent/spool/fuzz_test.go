package spool_test

import (
	"testing"

	"headroom/internal/agent/spool"
)

// FuzzSpoolReadsAnyDirectory puts a file of any name and content beside good
// ones: the spool opens, works, and gives the good ones out.
func FuzzSpoolReadsAnyDirectory(f *testing.F) {
	w := newWorld(f, spool.Options{})
	if err := w.open(); err != nil {
		f.Fatal(err)
	}
	life(w, func(err error) bool { f.Fatal(err); return true })
	for _, name := range w.disk.Names() {
		f.Add(name, w.disk.Content(name))
	}
	f.Add("batch_0001-x_000000000001_a_r1_n1_t0-0.part", []byte("x"))
	f.Add("batch_0001-x_000000000001_a_r1_n1_t0-0.replaced", []byte("x"))
	f.Add("epoch_18446744073709551615-x_000000000000.mark", []byte{})
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		w := newWorld(t, spool.Options{})
		w.disk.Put(name, content)
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := w.append("good", "x"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.seal("good", 10); err != nil {
			t.Fatal(err)
		}
		for {
			b, err := w.spool.Next()
			if err != nil {
				t.Fatalf("the good batch did not come: %v", err)
			}
			if string(b.Body) == string(build(b.ID, [][]byte{[]byte("good:1:x"), []byte("good:2:x"), []byte("good:3:x")})) {
				return
			}
			if err := w.spool.Sent(b.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}
