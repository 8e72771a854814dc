package console_test

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
)

// heldNow are check-outs of every kind on the servers of a product.
func heldNow(d usage.Details) usage.Checkouts {
	row := func(kind license.HolderKind, user, host string, n int64) usage.Checkout {
		c := usage.Checkout{On: d.All[0], Name: license.Pool{Feature: "cad"}}
		c.Kind, c.User, c.Host, c.Licenses = kind, user, host, n
		c.On.HoldersAt = now.Add(-time.Hour)
		return c
	}
	out := usage.Checkouts{
		Held:  map[license.HolderKind]int64{license.HolderActive: 3, license.HolderReserved: 4, license.HolderQueued: 2},
		Users: 2, Oldest: now.Add(-time.Hour), Told: 1, Untold: []string{"lic-mute"},
		Rows: []usage.Checkout{
			row(license.HolderActive, "Ada", "ws1", 1), row(license.HolderActive, "=cmd", "ws2", 2), row(license.HolderReserved, "GROUP CAE", "", 4),
			row(license.HolderQueued, "kim", "ws3", 2),
		},
	}
	out.Rows[0].Since = now.Add(-26 * time.Hour)
	return out
}

// heldHouse has a product whose licenses are checked out.
func heldHouse(t *testing.T) *house {
	h := newHouse(t)
	h.held = heldNow(sampleDetails())
	h.found()
	return h
}

func TestCheckoutsShowWhoHasWhatSinceWhen(t *testing.T) {
	h := heldHouse(t)
	a := h.get("/usage/cad%2Fx%20y?span=31")
	a.wants(http.StatusOK, "Checkouts", "3 licenses with 2 users", "Checked out 3", "Reserved 4", "Waiting 2", "Ada", "26 hours ago", "GROUP CAE", "kim",
		"the oldest is from 1 hour ago", "lic-mute: who has licenses is not told.", "/checkouts.csv?span=31", `<input type="hidden" name="span" value="31">`)
	a = h.get("/usage/cad%2Fx%20y?how=queued")
	a.wants(http.StatusOK, "kim", "Checked out 3", "/checkouts.csv?how=queued")
	if strings.Contains(a.body, "GROUP CAE") {
		t.Error("who waits is asked for, and a reservation shown")
	}
	a = h.get("/usage/cad%2Fx%20y?who=WS1")
	a.wants(http.StatusOK, "Ada", `value="WS1"`)
	if strings.Contains(a.body, "GROUP CAE") {
		t.Error("one host is searched for, and another row shown")
	}
	h.get("/usage/cad%2Fx%20y?who=nobody").wants(http.StatusOK, "Nobody is called so.")
	h.get("/usage/cad%2Fx%20y?how=stolen").wants(http.StatusUnprocessableEntity, "stolen")
}

func TestCheckoutsAreAFile(t *testing.T) {
	h := heldHouse(t)
	a := h.get("/usage/cad%2Fx%20y/checkouts.csv?how=active")
	a.wants(http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const server = `'=HYPERLINK("http://evil","x")`
	want := [][]string{
		{"user", "host", "display", "licenses", "how", "since", "license_server", "pool", "list_of"},
		{"Ada", "ws1", "", "1", "active", "2026-11-23T12:05:00+01:00", server, "cad", "2026-11-24T13:05:00+01:00"},
		{"'=cmd", "ws2", "", "2", "active", "", server, "cad", "2026-11-24T13:05:00+01:00"},
	}
	if !slices.EqualFunc(rows, want, slices.Equal[[]string]) {
		t.Errorf("rows %q, want %q", rows, want)
	}
}

// Where nobody tells check-outs, that is said; where licenses are assigned, none
// are expected.
func TestCheckoutsThatNobodyTells(t *testing.T) {
	d := sampleDetails()
	h := newHouseOf(t, d, usage.Activity{})
	h.held.Untold = []string{"lic-mute"}
	h.found()
	h.get("/usage/cad%2Fx%20y").wants(http.StatusOK, "no license server tells who has licenses", "lic-mute: who has licenses is not told.")
	if a := assignedHouse(t).get("/usage/cad%2Fx%20y"); strings.Contains(a.body, "Checkouts") {
		t.Error("assigned licenses are checked out by nobody, and the page speaks of it")
	}
}
