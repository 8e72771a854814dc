package rlm

// A finder finds the pools of checkouts. A line of use names product and
// version, which several pools can have in common: those in use are filled one
// after the other, up to what each says of its licenses that are not reserved,
// and the last one takes what is beyond.
type finder struct {
	pools map[[3]string][]*statusPool // by vendor, product and version, and without the version
	room  map[*statusPool]int64
}

func newFinder(pools []*statusPool) *finder {
	f := &finder{pools: map[[3]string][]*statusPool{}, room: map[*statusPool]int64{}}
	for _, inUse := range []bool{true, false} {
		for _, p := range pools {
			if (p.inUse.N > 0) == inUse {
				f.add(p)
			}
		}
	}
	return f
}

// add keeps a pool. One that is not in use matters only where no other is.
func (f *finder) add(p *statusPool) {
	f.room[p] = p.inUse.N
	for _, key := range [][3]string{{p.vendor, p.product, p.version}, {p.vendor, p.product}} {
		if p.inUse.N > 0 || f.pools[key] == nil {
			f.pools[key] = append(f.pools[key], p)
		}
	}
}

// pool returns the pool that a checkout is from; nil if the status has none.
func (f *finder) pool(u statusUse) *statusPool {
	key := [3]string{u.vendor, u.product, u.version}
	if f.pools[key] == nil {
		key[2] = ""
	}
	pools := f.pools[key]
	if len(pools) == 0 {
		return nil
	}
	for len(pools) > 1 && f.room[pools[0]] <= 0 {
		pools = pools[1:]
	}
	f.pools[key] = pools
	f.room[pools[0]] -= max(0, u.licenses-u.reserved)
	return pools[0]
}
