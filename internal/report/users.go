package report

import (
	"cmp"
	"slices"

	"headroom/internal/license"
)

// A User is somebody who used a feature.
type User struct {
	Place
	Name      string        `json:"user"`      // as it was written first: case does not tell people apart
	Checkouts license.Count `json:"checkouts"` // lines of the log; unknown where only a status names the user
	Last      Instant       `json:"last"`      // the last moment at which a file shows the use; unknown if no date is told
}

// A userKey is a user of a row.
type userKey struct {
	row  *row
	name string // folded
}

// used notes that somebody used a feature at an instant.
func (c *collector) used(r *row, name string, at Instant, checkouts license.Count) {
	if name == "" {
		return
	}
	key := userKey{r, license.FoldName(name)}
	u := c.people[key]
	if u == nil {
		if c.people == nil {
			c.people = map[userKey]*User{}
		}
		u = &User{Name: name}
		c.people[key] = u
	}
	u.Checkouts = added(u.Checkouts, checkouts)
	u.Last = latest(u.Last, at)
}

// users returns who used what.
func (c *collector) users() []User {
	out := make([]User, 0, len(c.people))
	for key, u := range c.people {
		user := *u
		user.Place = key.row.Place
		out = append(out, user)
	}
	slices.SortFunc(out, func(a, b User) int {
		return cmp.Or(byPlace(a.Place, b.Place), cmp.Compare(license.FoldName(a.Name), license.FoldName(b.Name)))
	})
	return out
}
