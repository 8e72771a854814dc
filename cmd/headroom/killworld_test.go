package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A world is a hub's database, an agent's state folder, and all readings that
// the agent was ever given.
type world struct {
	t       *testing.T
	program string
	addr    string
	db      string
	secrets string // the hub's key file; empty: beside its SQLite file
	config  string
	agent   agent.Config
	server  string // GUID
	org     int64
	next    int64 // instant of the next reading
	batches int
	want    map[point]int64
}

// A point is one value of one pool.
type point struct {
	feature string
	at      int64
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "headroom")
	c := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// newWorld registers an agent with a hub that then ends. program is the real one, db
// the hub's --store.
func newWorld(t *testing.T, program, db string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		t: t, program: program, addr: freeAddress(t), db: db,
		config: filepath.Join(dir, "agent.toml"), next: time.Now().Add(-72 * time.Hour).Unix(), want: map[point]int64{},
	}
	if store.IsURL(db) {
		w.secrets = filepath.Join(dir, "secrets")
	}
	text := fmt.Sprintf("hub = \"http://%s\"\nstate = \"state\"\n[[server]]\nname = \"lic01\"\nreader = \"file\"\npath = \"none.txt\"\n", w.addr)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.agent, err = agent.LoadConfig(w.config); err != nil {
		t.Fatal(err)
	}
	if !t.Run("register", w.register) {
		t.FailNow()
	}
	return w
}

func (w *world) register(t *testing.T) {
	h := hubtest.New(t, func(c *hub.Config) { c.Addr, c.Store, c.SecretsKey = w.addr, w.db, w.secrets })
	w.org = h.Org.ID
	a, err := agent.Open(w.agent, agent.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Share(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	st, err := a.Register(t.Context(), h.Org.PublicID)
	if err != nil {
		t.Fatal(err)
	}
	h.Approve(st.Code)
	if st, err = a.Standing(t.Context()); err != nil || st.State != wire.RegistrationConfirmed {
		t.Fatalf("registration is %s: %v", st.State, err)
	}
	status, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.server = status.Servers[0].GUID
}

// fill puts known readings into the agent's spool, as n batches.
func (w *world) fill(n int) {
	w.t.Helper()
	sp, _, err := spool.Open(filepath.Join(w.agent.State, "spool"), spool.Options{Now: time.Now, Declare: upload.EncodeGap})
	if err != nil {
		w.t.Fatal(err)
	}
	for range n {
		at := time.Unix(w.next, 0)
		record, err := upload.EncodeReading(w.server, "test", at, w.reading())
		if err != nil {
			w.t.Fatal(err)
		}
		if err := sp.Append(w.server, at, record); err != nil {
			w.t.Fatal(err)
		}
		made, err := upload.Pack(sp, w.server, "test", time.Now, asItIs)
		if err != nil {
			w.t.Fatal(err)
		}
		w.batches += made
	}
	if err := sp.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// reading is one reading of two pools whose values follow from its instant.
func (w *world) reading() *wire.Samples {
	s := &wire.Samples{At: []int64{w.next}, Interval: 60, Complete: true, Source: "file"}
	for i, feature := range []string{"cutter", "mill"} {
		value := (w.next*7 + int64(i)*13) % 101
		w.want[point{feature, w.next}] = value
		s.Pools = append(s.Pools, wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: feature}, State: license.StateCounted.String(),
			InUse: wire.Counts{license.Of(value)}, Installed: wire.Counts{license.Of(200)},
		})
	}
	w.next += 60
	return s
}

// sendAll starts the hub and sends what is left.
func (w *world) sendAll() {
	w.t.Helper()
	h := w.startHub()
	defer h.kill()
	for tries := 0; ; tries++ {
		sender := w.start("agent", "upload", "--config", w.config)
		<-sender.ended
		if sender.err == nil {
			return
		}
		if tries == 3 {
			w.t.Fatalf("the last upload: %v\n%s", sender.err, sender.printed())
		}
	}
}

// compare looks up every value in the hub's database, and wants one epoch of batches,
// all there.
func (w *world) compare() {
	w.t.Helper()
	complete := w.compareValues()
	for epoch, below := range complete {
		if below != uint64(w.batches)+1 || len(complete) != 1 {
			w.t.Errorf("epoch %s is complete below %d, want %d", epoch, below, w.batches+1)
		}
	}
}

// compareValues looks up every value in the hub's database, and returns up to where
// each epoch is complete.
func (w *world) compareValues() map[string]uint64 {
	w.t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, w.db, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	pools, err := db.Pools(ctx, w.org)
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[point]int64{}
	for _, p := range pools {
		for day, err := range storetest.Days(ctx, db, w.org, p.Server, 0, 1<<30) {
			if err != nil {
				w.t.Fatal(err)
			}
			for _, pd := range day.Pools {
				for _, s := range pd.Samples {
					if pd.Pool == p.ID {
						got[point{p.Key.Feature, s.At}] = s.InUse.N
					}
				}
			}
		}
	}
	lost := 0
	for at, want := range w.want {
		value, ok := got[at]
		if !ok || value != want {
			lost++
		}
	}
	if lost > 0 || len(got) != len(w.want) {
		w.t.Errorf("%d of %d values lost or wrong; the hub has %d", lost, len(w.want), len(got))
	}
	agents, err := db.Agents(ctx, w.org)
	if err != nil {
		w.t.Fatal(err)
	}
	complete, err := db.Complete(ctx, w.org, agents[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return complete
}

// A process is a program that was started.
type process struct {
	cmd   *exec.Cmd
	out   string // file with what it printed
	took  time.Duration
	ended chan struct{}
	err   error // once it has ended
}

func (w *world) start(args ...string) *process {
	w.t.Helper()
	f, err := os.CreateTemp(w.t.TempDir(), "out")
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(context.Background(), w.program, args...), out: f.Name(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
		f.Close()
	}()
	w.t.Cleanup(p.kill)
	return p
}

// kill ends it as a power cut of the process would: it is not asked.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

func (p *process) printed() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// startHub starts the hub and waits until it answers.
func (w *world) startHub() *process {
	w.t.Helper()
	began := time.Now()
	args := []string{"hub", "run", "--addr", w.addr, "--store", w.db}
	if w.secrets != "" {
		args = append(args, "--secrets-key", w.secrets)
	}
	p := w.start(args...)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			w.t.Fatalf("the hub ended: %v\n%s", p.err, p.printed())
		case <-tick.C:
		}
		resp, err := http.Get("http://" + w.addr + "/healthz")
		if err != nil {
			if time.Since(began) > time.Minute {
				w.t.Fatalf("the hub does not answer: %v\n%s", err, p.printed())
			}
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			p.took = time.Since(began)
			return p
		}
	}
}

// freeAddress is a port of loopback that nobody uses now. The hub is started
// on it again and again.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// asItIs screens nothing.
func asItIs(records []wire.Record) ([]wire.Record, error) { return records, nil }
