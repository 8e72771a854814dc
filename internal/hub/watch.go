package hub

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/metrics"
	"headroom/internal/hub/store"
	"headroom/internal/wire"
)

// lately is within which time a day's upload has come, and a poll in any case.
const lately = 25 * time.Hour

// state is what is told of this hub with a scrape.
func (h *Hub) state(ctx context.Context) (metrics.State, error) {
	c, err := h.db.Census(ctx, h.config.Now().Add(-lately))
	if err != nil {
		return metrics.State{}, err
	}
	by := func(n store.Heard) map[string]int {
		return map[string]int{"lately": n.Lately, "before": n.Before, "never": n.Never, "removed": n.Removed}
	}
	return metrics.State{
		StoreBytes: c.Bytes, Waiting: c.Waiting, Erasing: c.Erasing, Organisations: c.Organisations,
		Agents: by(c.Agents), LicenseServers: by(c.LicenseServers), HistoryBytes: h.Usage.Held(),
	}, nil
}

// A countingTaker counts the batches that another one takes.
type countingTaker struct {
	*ingest.Ingester
	metrics *metrics.Hub
}

// Take implements api.Taker.
func (t countingTaker) Take(ctx context.Context, a ingest.Agent, epoch string, seq uint64, body []byte) (wire.Receipt, error) {
	r, err := t.Ingester.Take(ctx, a, epoch, seq, body)
	switch kind := fault.KindOf(err); {
	case err == nil:
		t.metrics.Batch(r.Status, len(body), r.Records)
	case kind == fault.Internal || kind == fault.Unavailable:
		t.metrics.Batch("failed", len(body), 0)
	default:
		t.metrics.Batch("refused", len(body), 0)
	}
	return r, err
}

// job runs a job again and again until ctx is done. What fails is told and tried again.
func (h *Hub) job(ctx context.Context, name string, every time.Duration, run func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		begun := time.Now()
		h.did(ctx, name, begun, run(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// did tells how a run of a job ended.
func (h *Hub) did(ctx context.Context, name string, begun time.Time, err error) {
	if ctx.Err() != nil {
		return // it was ended with the hub
	}
	if err != nil {
		h.log.Warn("a job of the hub did not go well", "job", name, "err", err)
	}
	h.metrics.Job(name, begun, err)
}

// openMetrics listens for scrapes, where somebody wants them.
func (h *Hub) openMetrics(ctx context.Context) (err error) {
	if h.config.MetricsAddr == "" {
		return nil
	}
	if h.scrapes, err = new(net.ListenConfig).Listen(ctx, "tcp", h.config.MetricsAddr); err != nil {
		return fmt.Errorf("listen for Prometheus: %w", err)
	}
	return nil
}

// MetricsPath is where Prometheus finds the metrics of the hub.
const MetricsPath = "/metrics"

// metricsServer answers scrapes and nothing else.
func (h *Hub) metricsServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET "+MetricsPath, h.metrics.Handler())
	return &http.Server{Handler: mux, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: time.Minute, IdleTimeout: idleTime, MaxHeaderBytes: 16 << 10}
}
