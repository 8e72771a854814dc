package delivery_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// D-07: what a network does to connections, on real ones between a real client and a
// real hub: latency, cuts after any number of bytes in either direction, resets, silence,
// and answers that are lost after the hub has committed. Nothing is lost, nothing is
// stored twice, and what was refused comes with the next upload.
func TestConnectionsThatBreakLoseAndDoubleNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	h := hubtest.New(t, func(c *hub.Config) { c.Store = path })
	line := newLine(t, h.URL())
	s := newSender(t, h, "http://"+line.Addr().String())
	if err := s.send(nil); err != nil { // who the hub is
		t.Fatal(err)
	}

	broken := 0
	under := func(f fault) {
		t.Helper()
		line.fault.Store(&f)
		if s.send(&f) != nil {
			broken++
		}
		line.fault.Store(&fault{})
	}
	for k := range 50 {
		under(fault{up: 1 + 30*k})   // a request of some 1100 bytes
		under(fault{down: 1 + 12*k}) // an answer of some 350
	}
	for range 100 {
		under(fault{silent: true})
	}
	for range 10 {
		under(fault{up: 400, reset: true})
		under(fault{down: 100, reset: true})
	}
	for range 3 {
		under(fault{hole: true})
	}
	through := func() {
		t.Helper()
		if err := s.send(nil); err != nil {
			t.Errorf("with nothing in the way: %v", err)
		}
	}
	through() // what has gathered would take its time with latency
	for range 3 {
		under(fault{latency: 300 * time.Millisecond})
	}
	through()
	t.Logf("D-07: %d uploads, %d of them broken off; %d values", s.uploads, broken, s.n)
	if broken < 150 {
		t.Errorf("only %d uploads were broken off: is the line between them?", broken)
	}
	s.compare(path)
}

// A fault is what a line does to each connection. The zero fault is none.
type fault struct {
	up, down int  // after so many bytes it is cut; 0: never
	silent   bool // no byte of the answer arrives
	reset    bool // and not closed
	hole     bool // everything is swallowed
	latency  time.Duration
}

// A line forwards connections to a hub and does to them what it is told.
type line struct {
	net.Listener
	to    string
	fault atomic.Pointer[fault]
}

func newLine(t *testing.T, hub string) *line {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &line{Listener: l, to: hub[len("http://"):]}
	out.fault.Store(&fault{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { out.forward(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
	return out
}

// forward carries one connection until an end closes it, or the fault does.
func (l *line) forward(c net.Conn) {
	f := *l.fault.Load()
	defer c.Close()
	if f.hole {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	hub, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.to)
	if err != nil {
		return
	}
	defer hub.Close()
	var both sync.WaitGroup
	carry := func(to, from net.Conn, most int, none bool) {
		carry(to, from, most, none, f.latency)
		if tcp, ok := c.(*net.TCPConn); ok && f.reset {
			_ = tcp.SetLinger(0)
		}
		_, _ = c.Close(), hub.Close() // the other direction ends with this one
	}
	both.Go(func() { carry(hub, c, f.up, false) })
	both.Go(func() { carry(c, hub, f.down, f.silent) })
	both.Wait()
}

// carry copies at most so many bytes; 0 means all, or none where that is said. It ends
// when one of the two is closed.
func carry(to io.Writer, from io.Reader, most int, none bool, latency time.Duration) {
	buf := make([]byte, 4096)
	for left := most; ; {
		n, err := from.Read(buf)
		if latency > 0 && n > 0 {
			timer := time.NewTimer(latency)
			<-timer.C
		}
		if none && n > 0 {
			return
		}
		if most > 0 {
			n = min(n, left)
			left -= n
		}
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil || most > 0 && left == 0 {
			return
		}
	}
}

// A sender is an agent's spool and uploader on the real disk and network.
type sender struct {
	t       *testing.T
	spool   *spool.Spool
	client  *upload.Client
	server  string // GUID
	org     int64
	began   time.Time
	pools   int   // of each reading
	n       int64 // readings made
	uploads int
}

// newSender is registered at a hub, which it reaches at an address.
func newSender(t *testing.T, h *hubtest.Hub, address string) *sender {
	t.Helper()
	a := h.RegisteredAgent("lic01")
	sp, _, err := spool.Open(memory(t), spool.Options{Now: time.Now, Declare: upload.EncodeGap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sp.Close(); err != nil {
			t.Error(err)
		}
	})
	// Each request on a connection of its own, so that each meets the fault.
	transport := &http.Transport{DisableKeepAlives: true}
	return &sender{
		t: t, pools: 1, spool: sp, server: a.Servers[0].GUID, org: h.Org.ID, began: time.Now().Add(-100 * 24 * time.Hour).Truncate(time.Second),
		client: &upload.Client{
			Hub: address, Key: a.Key, Version: version, Now: time.Now,
			HTTP: &http.Client{Timeout: 1500 * time.Millisecond, Transport: transport},
		},
	}
}

// keep puts one reading, of which each pool has the next value, into the spool.
func (s *sender) keep() {
	s.t.Helper()
	s.n++
	at := s.began.Add(time.Duration(s.n) * 5 * time.Minute)
	reading := &wire.Samples{At: []int64{at.Unix()}, Interval: 300, Complete: true, Source: "sim"}
	for i := range s.pools {
		reading.Pools = append(reading.Pools, wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: fmt.Sprint("feature", i)}, State: license.StateCounted.String(),
			InUse: wire.Counts{license.Of(s.n)}, Installed: wire.Counts{license.Of(1 << 30)},
		})
	}
	record, err := upload.EncodeReading(s.server, version, at, reading)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.spool.Append(s.server, at, record); err != nil {
		s.t.Fatal(err)
	}
}

// send sends one more reading and all that waits.
func (s *sender) send(f *fault) error {
	s.t.Helper()
	s.keep()
	if _, err := upload.Pack(s.spool, s.server, version, time.Now, asItIs); err != nil {
		s.t.Fatal(err)
	}
	s.uploads++
	report, err := upload.Drain(s.t.Context(), s.client, s.spool, quiet)
	if report.Refused+report.Discarded > 0 {
		s.t.Errorf("under %+v: %+v, want nothing refused", f, report)
	}
	return err
}

// compare wants every value in the hub's database once, and nothing else.
func (s *sender) compare(path string) {
	s.t.Helper()
	if st := s.spool.Stats(); st.Waiting+st.Ready+st.Bad > 0 {
		s.t.Errorf("the spool still has %+v", st)
	}
	db := storetest.Open(s.t, path)
	got := map[int64]int{}
	for day, err := range storetest.Days(s.t.Context(), db, s.org, 1, 0, 1<<30) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range day.Pools {
			for _, v := range p.Samples {
				got[v.InUse.N]++
			}
		}
	}
	for n := int64(1); n <= s.n; n++ {
		if got[n] != s.pools {
			s.t.Errorf("value %d is stored %d times, want once for each of %d pools", n, got[n], s.pools)
		}
	}
	if int64(len(got)) != s.n {
		s.t.Errorf("%d values are stored, want %d", len(got), s.n)
	}
}
