// Command bench measures Headroom on an estate that anybody can make again,
// beside plain tables in databases that are asked the same with SQL:
//
//	scripts/with-postgres.sh go run ./bench
//
// The estate is loaded through a real hub: HTTP, signatures, ingest, commits
// that have reached the disk. Answers are compared before times are printed.
// What is measured is the product; the generator, the rivals and the table are
// here, and nothing of it is shipped.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A config is the command line.
type config struct {
	estate    estate
	dir       string
	clients   int
	rounds    int
	sqlRounds int
	sql       string
	skipSQL   bool
	large     bool
	console   bool
	pace      int
	debugLog  int64  // MiB; 0: not
	report    string // a debug log, for a process of its own
	out       string
	ask       string // a job, for a process of its own
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// run runs one command line.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	c := config{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&c.estate.Servers, "servers", 500, "license servers")
	flags.IntVar(&c.estate.Pools, "pools", 6, "pools of each license server")
	flags.IntVar(&c.estate.Days, "days", 400, "days of history")
	flags.IntVar(&c.estate.Samples, "samples", 96, "samples a day")
	flags.Uint64Var(&c.estate.Seed, "seed", 1, "of the estate and of what is asked")
	flags.StringVar(&c.dir, "dir", "", "folder for the hub's database, which stays there and is not loaded again (default: a temporary one, removed at the end)")
	flags.IntVar(&c.clients, "clients", 64, "agents that upload at the same time")
	flags.IntVar(&c.rounds, "rounds", 1000, "random halves that Headroom is asked about, per query; fewer where that takes more than "+patience.String())
	flags.IntVar(&c.sqlRounds, "sql-rounds", 3, "how many of them the other databases are asked about; fewer where that takes more than "+patience.String())
	flags.StringVar(&c.sql, "sql", "sqlite,postgres,duckdb", "the other databases; PostgreSQL is found by "+postgresEnv)
	flags.BoolVar(&c.skipSQL, "skip-sql", false, "measure Headroom alone")
	flags.BoolVar(&c.large, "large", false, "measure the large estate instead: 10,000 license servers over five years in memory, unless -servers and -days say otherwise")
	flags.BoolVar(&c.console, "console", false, "measure pages of the console instead, while all license servers upload: 1,000 of two pools over three years, unless -servers, -pools and -days say otherwise")
	flags.IntVar(&c.pace, "pace", 200, "with -console: batches a second that come while pages are asked for; 0: as many as can be")
	flags.Int64Var(&c.debugLog, "debug-log", 0, "measure headroom report instead, on a FlexNet debug log of so many MiB")
	flags.StringVar(&c.report, "report", "", "used by the program itself: report on a debug log")
	flags.StringVar(&c.out, "out", "", "file for the table in Markdown")
	flags.StringVar(&c.ask, "ask", "", "used by the program itself: ask a store that was loaded")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("what is %q?", flags.Arg(0))
	case c.ask != "":
		return c.answer(ctx, out)
	case c.report != "":
		return reportOn(c.report, out)
	case c.debugLog > 0:
		return c.runDebugLog(ctx, out, log)
	case c.large:
		return c.runLarge(ctx, flags, out, log)
	case c.pace < 0 || c.pace > 100_000:
		return errors.New("-pace is 0 to 100000 batches a second")
	case c.console:
		return c.runConsole(ctx, flags, out, log)
	case c.rounds < 1 || c.sqlRounds < 1 || c.clients < 1:
		return errors.New("-rounds, -sql-rounds and -clients are at least 1")
	}
	return c.run(ctx, out, log)
}

// instead sets what the command line does not say.
func instead(flags *flag.FlagSet, values map[string]string) error {
	flags.Visit(func(f *flag.Flag) { delete(values, f.Name) })
	for name, value := range values {
		if err := flags.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// runLarge measures the large estate.
func (c *config) runLarge(ctx context.Context, flags *flag.FlagSet, out, log io.Writer) error {
	if err := instead(flags, map[string]string{"servers": "10000", "days": "1826", "rounds": "40"}); err != nil {
		return err
	}
	c.estate.Pools = 1
	if err := c.estate.check(); err != nil {
		return err
	}
	r, err := measureLarge(ctx, c.estate, c.rounds, log)
	if err != nil {
		return err
	}
	r.grid(&c.estate).text(out)
	return nil
}

// runConsole measures the console.
func (c *config) runConsole(ctx context.Context, flags *flag.FlagSet, out, log io.Writer) (err error) {
	if err := instead(flags, map[string]string{"servers": "1000", "pools": "2", "days": "1096"}); err != nil {
		return err
	}
	if err := c.estate.check(); err != nil {
		return err
	}
	clean, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	r, err := measureConsole(ctx, c, log)
	if err != nil {
		return err
	}
	r.grid(&c.estate).text(out)
	return nil
}

// folder makes the folder for databases, if none is named, and returns what
// removes it.
func (c *config) folder() (clean func() error, err error) {
	if c.dir != "" {
		return func() error { return nil }, nil
	}
	c.dir, err = os.MkdirTemp("", "headroom-bench-")
	return func() error { return os.RemoveAll(c.dir) }, err
}

// answer is the process of its own.
func (c *config) answer(ctx context.Context, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(c.ask), &j); err != nil {
		return err
	}
	r, err := j.do(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// run does it all and prints the table.
func (c *config) run(ctx context.Context, out, log io.Writer) (err error) {
	if err := c.estate.check(); err != nil {
		return err
	}
	others, err := c.others()
	if err != nil {
		return err
	}
	clean, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	r, err := c.measure(ctx, others, log)
	if err != nil {
		return err
	}
	r.text(out)
	if c.out != "" {
		var b bytes.Buffer
		r.markdown(&b)
		if err := os.WriteFile(c.out, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return r.check()
}

// measure loads and asks, one after the other, so that nothing disturbs what
// is measured.
func (c *config) measure(ctx context.Context, others []other, log io.Writer) (*result, error) {
	r := &result{Estate: c.estate, Clients: c.clients}
	var err error
	if r.Loaded, err = c.load(ctx, log); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	fmt.Fprintln(log, "Asking Headroom ...")
	j := job{Estate: c.estate, File: r.Loaded.File, Org: r.Loaded.Org, Rounds: c.rounds, Keep: c.sqlRounds}
	if r.Ours, err = askOurs(ctx, j, log); err != nil {
		return nil, err
	}
	fmt.Fprintln(log, "Sweeping the generator, to compare ...")
	s := newSweeper(&c.estate)
	for _, q := range c.estate.queries() {
		r.Swept = append(r.Swept, s.answer(q, c.estate.choice(q, 0)))
	}
	for _, o := range others {
		got, err := c.measureOther(ctx, o, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		r.Rivals = append(r.Rivals, got)
	}
	return r, nil
}

// load loads the estate, unless the folder has it from a run before.
func (c *config) load(ctx context.Context, log io.Writer) (loaded, error) {
	note := filepath.Join(c.dir, "loaded.json")
	var before struct {
		Estate estate
		Loaded loaded
	}
	text, err := os.ReadFile(note)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &before); err != nil {
			return loaded{}, fmt.Errorf("%s: %w", note, err)
		}
		if before.Estate != c.estate {
			return loaded{}, fmt.Errorf("%s has another estate", c.dir)
		}
		fmt.Fprintln(log, "The estate was loaded before; so was what is said of loading it")
		return before.Loaded, nil
	case !errors.Is(err, os.ErrNotExist):
		return loaded{}, err
	}
	fmt.Fprintf(log, "Loading %s points through a hub ...\n", count(c.estate.points()))
	l := &loader{estate: &c.estate, Dir: c.dir, Clients: c.clients, Out: log}
	if before.Loaded, err = l.load(ctx); err != nil {
		return loaded{}, err
	}
	before.Estate = c.estate
	if text, err = json.Marshal(before); err != nil {
		return loaded{}, err
	}
	return before.Loaded, os.WriteFile(note, text, 0o644)
}

// An other is a rival that may or may not be on this machine.
type other struct {
	name   string // as -sql has it
	absent string // why it cannot be asked; empty: it can
	open   func(ctx context.Context, dir string) (rival, error)
}

// postgresEnv has the postgres:// URL of a server, as scripts/with-postgres.sh
// sets it.
const postgresEnv = "HEADROOM_TEST_POSTGRES"

// others returns the rivals that the command line names.
func (c *config) others() ([]other, error) {
	if c.skipSQL || c.sql == "" {
		return nil, nil
	}
	url, sqlite, duckdb := os.Getenv(postgresEnv), programOf("sqlite3"), programOf("duckdb")
	all := []other{
		{name: "sqlite", open: func(ctx context.Context, dir string) (rival, error) { return openSQLite(ctx, sqlite, dir) }},
		{name: "postgres", open: func(ctx context.Context, _ string) (rival, error) { return openPostgres(ctx, url) }},
		{name: "duckdb", open: func(ctx context.Context, dir string) (rival, error) { return openDuckDB(ctx, duckdb, dir) }},
	}
	if url == "" {
		all[1].absent = "not on this machine: run by scripts/with-postgres.sh, or set " + postgresEnv
	}
	if duckdb == "" {
		all[2].absent = "not on this machine"
	}
	var out []other
	for name := range strings.SplitSeq(c.sql, ",") {
		i := slices.IndexFunc(all, func(o other) bool { return o.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-sql: %q is none of sqlite, postgres and duckdb", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// measureOther loads a rival and asks it what Headroom was asked in the first
// rounds.
func (c *config) measureOther(ctx context.Context, o other, log io.Writer) (out rivalResult, err error) {
	if o.absent != "" {
		return rivalResult{Name: o.name, Absent: o.absent}, nil
	}
	dir, err := os.MkdirTemp(c.dir, o.name+"-")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r, err := o.open(ctx, dir)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out.Name = r.Name()
	fmt.Fprintf(log, "Loading one product into %s ...\n", out.Name)
	begin := time.Now()
	if out.Rows, out.Bytes, err = r.Load(ctx, &c.estate); err != nil {
		return out, err
	}
	out.Took = time.Since(begin)
	queries := c.estate.queries()
	show := newProgress(log, "queries asked of "+out.Name, len(queries))
	defer show.end()
	for _, q := range queries {
		a, err := measure(ctx, asksRival{r}, &c.estate, q, c.sqlRounds, c.sqlRounds)
		if err != nil {
			return out, err
		}
		out.Asked = append(out.Asked, a)
		show.step()
	}
	return out, nil
}
