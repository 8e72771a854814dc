package store

// A weave makes one ascending sequence of two: blocks that lie in memory, and
// blocks that come one by one. A server's day that is in both is handed on
// once, in the newer version.
type weave struct {
	kept []block // ascending
	out  func(*block) bool
	n    int // how many were handed on
}

// add hands on b after the kept blocks that stand before it. It returns false
// once out has.
func (w *weave) add(b *block) bool {
	for len(w.kept) > 0 {
		k := &w.kept[0]
		order := k.compare(b)
		if order > 0 {
			break
		}
		w.kept = w.kept[1:]
		if order == 0 {
			if k.version >= b.version {
				b = k
			}
			break
		}
		if !w.hand(k) {
			return false
		}
	}
	return w.hand(b)
}

// end hands on the kept blocks that are left.
func (w *weave) end() {
	for i := range w.kept {
		if !w.hand(&w.kept[i]) {
			return
		}
	}
}

func (w *weave) hand(b *block) bool {
	w.n++
	return w.out(b)
}
