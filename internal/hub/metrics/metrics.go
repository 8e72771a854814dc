// Package metrics is what a hub process tells of itself to Prometheus: requests, batches,
// jobs, its store and its agents. No label names an organisation, a license server or a
// person: whoever watches the hub need not know whose it is.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Hub counts what a hub process does. It is safe for concurrent use.
type Hub struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec // by part, route, status
	batches  *prometheus.CounterVec   // by outcome
	records  prometheus.Counter
	bytes    prometheus.Counter
	jobs     *prometheus.CounterVec // by job, result
	took     *prometheus.GaugeVec   // by job
	success  *prometheus.GaugeVec   // by job
}

// New returns metrics in which nothing is counted yet.
func New(version string) *Hub {
	h := &Hub{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "headroom_hub_request_duration_seconds", Help: "Requests and how long they took, by the part of the hub, the pattern of their address, and status.",
			Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 60},
		}, []string{"part", "route", "status"}),
		batches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "headroom_hub_batches_total", Help: "Batches of agents, by what became of them.",
		}, []string{"outcome"}),
		records: prometheus.NewCounter(prometheus.CounterOpts{Name: "headroom_hub_records_total", Help: "Records of batches that were taken."}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "headroom_hub_batch_bytes_total", Help: "Bytes of batches as they came, compressed."}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "headroom_hub_job_runs_total", Help: "Runs of the hub's own jobs, by how they ended.",
		}, []string{"job", "result"}),
		took: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "headroom_hub_job_last_duration_seconds", Help: "How long the last run of a job took.",
		}, []string{"job"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "headroom_hub_job_last_success_timestamp_seconds", Help: "When a job went well last.",
		}, []string{"job"}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "headroom_hub_info", Help: "1, with the version of the program."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	h.registry.MustRegister(h.requests, h.batches, h.records, h.bytes, h.jobs, h.took, h.success, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return h
}

// Handler answers a scrape.
func (h *Hub) Handler() http.Handler {
	return promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{Registry: h.registry, EnableOpenMetrics: true, MaxRequestsInFlight: 4})
}

// Requests counts the requests to a part of the hub. The handler is to leave the
// pattern of the address in the request, as http.ServeMux does; an address that is none
// has no series of its own.
func (h *Hub) Requests(part string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			h.requests.WithLabelValues(part, route, strconv.Itoa(seen.status)).Observe(time.Since(begun).Seconds())
		}()
		next.ServeHTTP(seen, r)
	})
}

// A statusWriter remembers the status that it was told.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap leads http.ResponseController to what can do more.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Batch counts a batch of so many bytes, and the records of one that was taken.
func (h *Hub) Batch(outcome string, bytes, records int) {
	h.batches.WithLabelValues(outcome).Inc()
	h.bytes.Add(float64(bytes))
	h.records.Add(float64(records))
}

// Job counts a run of a job that began at a time.
func (h *Hub) Job(name string, begun time.Time, err error) {
	result, now := "good", time.Now()
	if err != nil {
		result = "failed"
	} else {
		h.success.WithLabelValues(name).Set(float64(now.Unix()))
	}
	h.jobs.WithLabelValues(name, result).Inc()
	h.took.WithLabelValues(name).Set(now.Sub(begun).Seconds())
}

// A State is what a store tells of a hub at a moment.
type State struct {
	StoreBytes     int64 // of the database
	Waiting        int   // batches that wait for a commit of this process
	Erasing        int   // license servers whose deleted data are still to be taken away
	Organisations  int
	Agents         map[string]int // by state
	LicenseServers map[string]int // by state
	HistoryBytes   int64          // of history and answers in the memory of this process
}

// stateTime is how long reading a State may take.
const stateTime = 5 * time.Second

// Watch reads a State with each scrape. What cannot be read has no series then, and the
// failure is counted.
func (h *Hub) Watch(read func(context.Context) (State, error)) {
	h.registry.MustRegister(&watcher{read: read, failures: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headroom_hub_state_failures_total", Help: "Scrapes for which the state of the store could not be read.",
	})})
}

// A watcher is a collector of States.
type watcher struct {
	read     func(context.Context) (State, error)
	failures prometheus.Counter
}

var (
	storeBytes    = prometheus.NewDesc("headroom_hub_store_bytes", "Size of the database.", nil, nil)
	waiting       = prometheus.NewDesc("headroom_hub_waiting_batches", "Batches that wait for a commit of this process.", nil, nil)
	erasing       = prometheus.NewDesc("headroom_hub_erasing_license_servers", "License servers whose deleted usage data are still to be taken away.", nil, nil)
	organisations = prometheus.NewDesc("headroom_hub_organisations", "Organisations.", nil, nil)
	agents        = prometheus.NewDesc("headroom_hub_agents", "Registered agents, by when they were heard of last.", []string{"state"}, nil)
	servers       = prometheus.NewDesc("headroom_hub_license_servers", "Registered license servers, by when a reading came last.", []string{"state"}, nil)
	historyBytes  = prometheus.NewDesc("headroom_hub_history_bytes", "Memory that holds history and answers, about.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *watcher) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{storeBytes, waiting, erasing, organisations, agents, servers, historyBytes, w.failures.Desc()} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), stateTime)
	defer cancel()
	s, err := w.read(ctx)
	if err != nil {
		w.failures.Inc()
	}
	to <- w.failures
	if err != nil {
		return
	}
	for _, one := range []struct {
		what  *prometheus.Desc
		value float64
	}{
		{storeBytes, float64(s.StoreBytes)},
		{waiting, float64(s.Waiting)},
		{erasing, float64(s.Erasing)},
		{organisations, float64(s.Organisations)},
		{historyBytes, float64(s.HistoryBytes)},
	} {
		to <- prometheus.MustNewConstMetric(one.what, prometheus.GaugeValue, one.value)
	}
	for what, by := range map[*prometheus.Desc]map[string]int{agents: s.Agents, servers: s.LicenseServers} {
		for state, n := range by {
			to <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, float64(n), state)
		}
	}
}
