package delivery_test

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/agent/upload"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/wire"
)

// What D-09 wants.
const (
	away   = 90 // days
	within = 15 * time.Minute
)

// D-09: what an agent has gathered while it was away, a round of 20 pools every five
// minutes, is delivered within 15 minutes, the oldest first, and is all there.
func TestBacklogOfMonthsIsDeliveredOldestFirst(t *testing.T) {
	path := filepath.Join(memory(t), "hub.db")
	h := hubtest.New(t, func(c *hub.Config) { c.Store = path })
	s := newSender(t, h, h.URL())
	s.pools = 20
	order := &inOrder{t: t}
	s.client.HTTP = &http.Client{Transport: order}
	for range away * 288 {
		s.keep()
	}
	began := time.Now()
	made, err := upload.Pack(s.spool, s.server, version, time.Now, asItIs)
	if err != nil {
		t.Fatal(err)
	}
	report, err := upload.Drain(t.Context(), s.client, s.spool, quiet)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if took > within || report.Batches != made {
		t.Errorf("%d of %d batches took %s, want all of them within %s", report.Batches, made, took, within)
	}
	s.compare(path)
	t.Logf("D-09: %d days, %d values in %d batches, %s", away, s.n*int64(s.pools), made, took.Round(time.Millisecond))
}

// inOrder is a network that wants readings to come in the order of time.
type inOrder struct {
	t    *testing.T
	last int64
}

func (o *inOrder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPut {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		b, err := wire.ReadBatch(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		for _, line := range b.Records {
			s, ok := line.Record.(*wire.Samples)
			if !ok {
				continue
			}
			if s.At[0] <= o.last {
				o.t.Errorf("a run from %d came after one to %d", s.At[0], o.last)
			}
			o.last = s.At[len(s.At)-1]
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}
