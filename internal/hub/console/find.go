package console

import (
	"maps"
	"slices"
)

// A findView is a search for people by a part of their names.
type findView struct {
	Who    string        // what is searched for; empty: all
	Hidden []hiddenField // of the search form: the rest of the address
	Clear  string        // address without the search
}

type hiddenField struct{ Name, Value string }

func newFind(q detailsQuery) findView {
	v := findView{Who: q.who}
	q.who = ""
	v.Clear = q.path("")
	rest := q.values()
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		for _, value := range rest[name] {
			v.Hidden = append(v.Hidden, hiddenField{name, value})
		}
	}
	return v
}
