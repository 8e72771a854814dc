package rlm

import (
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// maxPools is how many pools a server is believed to have.
const maxPools = 1 << 13

// A reportPool is what the log says a pool has.
type reportPool struct {
	product  string
	total    license.Count
	reserved license.Count
}

// A reportProduct is how many pools a product has, and one of them.
type reportProduct struct {
	pools  int
	number string
}

// product reads the record of a pool:
//
//	PRODUCT name version pool count reservations soft-limit "host id" ...
//
// count is without the reservations.
func (l *ReportLog) product(w []word) (facts.Event, bool) {
	quote := 0
	for quote < len(w) && !w[quote].quoted {
		quote++
	}
	if quote < 6 || quote == len(w) {
		return facts.Event{}, false
	}
	product, number := join(w[:quote-5]), w[quote-4].text
	count, ok1 := w[quote-3].number()
	reserved, ok2 := w[quote-2].number()
	if !ok1 || !ok2 {
		return facts.Event{}, false
	}
	if l.listing {
		clear(l.pools)
		clear(l.products)
		l.listing = false
	}
	p := reportPool{reserved: license.Of(reserved)}
	if total := count + reserved; total > 0 && total < license.UnlimitedFrom {
		p.total = license.Of(total) // 0 is how licenses that nobody counts are written
	}
	l.serve(product, number, p)
	return facts.Event{Kind: facts.Served, At: l.wall.now, Pool: license.Pool{Feature: product, Variant: number}, Total: p.total}, true
}

// serve notes that a pool is there, if that is new.
func (l *ReportLog) serve(product, number string, p reportPool) {
	if _, again := l.pools[number]; again || len(l.pools) >= maxPools {
		return
	}
	number, product = strings.Clone(number), strings.Clone(product) // the line need not stay
	p.product = product
	l.pools[number] = p
	l.products[product] = reportProduct{pools: l.products[product].pools + 1, number: number}
}

func (l *ReportLog) serves(product string) bool { return l.products[product].pools > 0 }

// poolOf returns the pool of a product, whose number is known if it is the
// only one.
func (l *ReportLog) poolOf(product string) license.Pool {
	if p := l.products[product]; p.pools == 1 {
		return license.Pool{Feature: product, Variant: p.number}
	}
	return license.Pool{Feature: product}
}

// poolNow returns the pool of a checkout. The licenses may have been read again
// since, and the pools numbered anew.
func (l *ReportLog) poolNow(c *checkout, product string) license.Pool {
	if c != nil && c.pool.Feature == product && l.pools[c.pool.Variant].product == product {
		return c.pool
	}
	return l.poolOf(product)
}
