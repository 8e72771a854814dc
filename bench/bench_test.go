package main

import (
	"io"
	"os"
	"reflect"
	"testing"

	"headroom/internal/hub/store/storetest"
	"headroom/internal/series"
)

// small is an estate with all that a large one has.
func small() *estate {
	return &estate{Seed: 7, Servers: 8, Pools: 3, Days: 33, Samples: 24}
}

func TestEstateDoesNotDependOnTheOrder(t *testing.T) {
	e := &estate{Seed: 1, Servers: 20, Pools: 6, Days: 30, Samples: 96}
	for server := range e.Servers {
		for d := range e.days(server, 0, e.Days) {
			var again day
			if n := int(d.Number - firstDay); !e.fill(&again, server, n) || !reflect.DeepEqual(*d, again) {
				t.Fatalf("day %d of server %d is another one when it is asked alone", n, server)
			}
		}
	}
}

func TestEstateLooksLikePeople(t *testing.T) {
	e := &estate{Seed: 1, Servers: 40, Pools: 6, Days: 60, Samples: 96}
	steps, near, values, days := 0, 0, 0, 0
	for server := range e.Servers {
		for d := range e.days(server, 0, e.Days) {
			days++
			for i, at := range d.At {
				if series.DayOf(at) != d.Number || i > 0 && at <= d.At[i-1] {
					t.Fatalf("server %d: instant %d of day %d is %d after %d", server, i, d.Number, at, d.At[max(0, i-1)])
				}
			}
			for number, use := range d.Use {
				p := e.pool(server, number)
				limit := p.installedOn(int(d.Number - firstDay))
				for i, x := range use {
					values++
					if x < 0 || x > limit {
						t.Fatalf("%d of %d in use", x, limit)
					}
					if i > 0 {
						steps++
						if change := x - use[i-1]; -3 <= change && change <= 3 {
							near++
						}
					}
				}
			}
		}
	}
	if share := float64(near) / float64(steps); share < 0.75 {
		t.Errorf("%.2f of the steps are -3..3, want at least 0.75", share)
	}
	if lost := 1 - float64(days)/float64(e.Servers*e.Days); lost < 0.002 || lost > 0.03 {
		t.Errorf("%.3f of the days are missing, want about 0.01", lost)
	}
	if int64(values) >= e.points() {
		t.Errorf("%d values of %d: no reading is lost", values, e.points())
	}
}

// Every rival has to agree with the plain sweep, the first seconds of a span
// and holds over midnight included.
func TestSQLiteEqualsTheSweep(t *testing.T) {
	for name, program := range map[string]string{"driver": "", "program": programOf("sqlite3")} {
		t.Run(name, func(t *testing.T) {
			if name == "program" && program == "" {
				t.Skip("there is no program sqlite3")
			}
			r, err := openSQLite(t.Context(), program, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			checkRival(t, r)
		})
	}
}

func TestDuckDBEqualsTheSweep(t *testing.T) {
	program := programOf("duckdb")
	if program == "" {
		t.Skip("there is no program duckdb")
	}
	r, err := openDuckDB(t.Context(), program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	checkRival(t, r)
}

func TestPostgresEqualsTheSweep(t *testing.T) {
	url := os.Getenv(storetest.PostgresEnv)
	if url == "" {
		t.Skipf("%s is not set", storetest.PostgresEnv)
	}
	r, err := openPostgres(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	checkRival(t, r)
}

// What went through HTTP, ingest and store is the same estate.
func TestHeadroomEqualsTheSweep(t *testing.T) {
	e := small()
	e.Days = 9
	l := &loader{estate: e, Dir: t.TempDir(), Clients: 3, Out: io.Discard}
	got, err := l.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Points == 0 || got.Points >= e.points() || len(got.Parts) == 0 {
		t.Errorf("%d points of at most %d were loaded; the file is %v", got.Points, e.points(), got.Parts)
	}
	j := job{Estate: *e, File: got.File, Org: got.Org, Rounds: 3, Keep: 3}
	r, err := j.do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := newSweeper(e)
	for i, q := range e.queries() {
		for round, got := range r.Queries[i].Answers {
			if want := s.answer(q, e.choice(q, round)); !got.equal(want) {
				t.Errorf("%s, round %d = %v, want %v", q.Name, round, got, want)
			}
		}
	}
}

func checkRival(t *testing.T, r rival) {
	t.Helper()
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	e := small()
	if _, _, err := r.Load(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s := newSweeper(e)
	for _, q := range e.queries() {
		for round := range 3 {
			servers := e.choice(q, round)
			got, err := asksRival{r}.ask(t.Context(), q, servers)
			if err != nil {
				t.Fatalf("%s of %v: %v", q.Name, servers, err)
			}
			if want := s.answer(q, servers); !got.equal(want) {
				t.Errorf("%s of %v = %v, want %v", q.Name, servers, got, want)
			}
		}
	}
}
