package rlm

import (
	"strings"

	"headroom/internal/license"
)

// maxOpen bounds what a log without returns can make us keep. Beyond it all is
// forgotten: what returns then is found by its product.
const maxOpen = 1 << 15

// A checkout is one that has not returned yet.
type checkout struct {
	pool  license.Pool
	user  string
	host  string
	share *share
}

// A share is one license, or several, in the hands of one or more checkouts.
type share struct {
	users int
	old   bool // taken before the log, by a checkout that is not known
}

// openCheckouts are those that have not returned, by their handles.
type openCheckouts map[string]*checkout

// take opens a checkout and reports whether it takes licenses: it does not if
// it shares those of another, whose handle it then names. That other may be
// gone already, and may have shared those of a third.
func (o openCheckouts) take(handle, shared string, c checkout) bool {
	o.giveBack(handle) // a return that is missing in the log
	if len(o) >= maxOpen {
		clear(o)
	}
	c.share = &share{}
	takes := shared == "" || shared == "0" || shared == handle
	if other := o[shared]; other != nil {
		c.share, takes = other.share, false
	} else if !takes {
		c.share.old = true
	}
	c.share.users++
	c.pool.Feature, c.pool.Variant = strings.Clone(c.pool.Feature), strings.Clone(c.pool.Variant)
	c.user, c.host = strings.Clone(c.user), strings.Clone(c.host) // the line need not stay
	o[strings.Clone(handle)] = &c
	return takes
}

// giveBack closes a checkout and reports whether that gives licenses back; it
// does not while others share them. The checkout is nil if it is not known.
func (o openCheckouts) giveBack(handle string) (c *checkout, gives bool) {
	if c = o[handle]; c == nil {
		return nil, true
	}
	delete(o, handle)
	c.share.users--
	return c, c.share.users == 0 && !c.share.old
}
