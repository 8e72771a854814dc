package rest

import (
	"strconv"

	"headroom/internal/fault"
)

// nothing is the input of an operation that has none.
type nothing struct{}

// A body is an answer.
type body[T any] struct{ Body T }

// A page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total" doc:"How many there are on all pages."`
	Next  string `json:"next,omitempty" doc:"Give it as cursor to get the next page; not there on the last one."`
}

// Paging chooses a page of a list.
type Paging struct {
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Items of a page at most."`
	Cursor string `query:"cursor" maxLength:"20" doc:"next of the page before."`
}

// pageOf cuts the page out of a list, and writes down what is on it.
func pageOf[T, U any](all []T, p Paging, write func(T) U) (*body[page[U]], error) {
	from := 0
	if p.Cursor != "" {
		n, err := strconv.Atoi(p.Cursor)
		if err != nil || n < 0 {
			return nil, fault.Errorf(fault.Invalid, "the cursor %.20q is none that this list gave", p.Cursor)
		}
		from = min(n, len(all))
	}
	to := min(from+p.Limit, len(all))
	out := page[U]{Items: make([]U, 0, to-from), Total: len(all)}
	for _, one := range all[from:to] {
		out.Items = append(out.Items, write(one))
	}
	if to < len(all) {
		out.Next = strconv.Itoa(to)
	}
	return &body[page[U]]{out}, nil
}
