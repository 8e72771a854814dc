package rest

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"headroom/internal/hub/account"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// The figures of an estate for Prometheus. flexlm_feature_issued and
// flexlm_feature_used have the names and labels of the exporters that people have
// dashboards for (github.com/mjtrangoni/flexlm_exporter); one series is a product here,
// over all license servers that report. There is a series per product and per license
// server, and none per person. What is unknown has no series: it is never 0.
type estateMetrics struct {
	issued, used, overdraft, available *prometheus.GaugeVec // by app, name
	peak                               *prometheus.GaugeVec // by app, name, window
	reporting, reading                 *prometheus.GaugeVec // by server, manager
	servers                            *prometheus.GaugeVec // by state
}

func newEstateMetrics(r *prometheus.Registry) estateMetrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	return estateMetrics{
		issued:    gauge("flexlm_feature_issued", "Licenses installed, overdraft included.", "app", "name"),
		used:      gauge("flexlm_feature_used", "Licenses in use, or assigned.", "app", "name"),
		overdraft: gauge("headroom_overdraft_used", "Licenses in use beyond those that were purchased, added up over license servers.", "app", "name"),
		available: gauge("headroom_available_ratio", "Share of installed that is free.", "app", "name"),
		peak:      gauge("headroom_peak", "Highest sum of licenses in use at one moment of a window.", "app", "name", "window"),
		reporting: gauge("headroom_license_server_reporting", "1 while the license server counts as reporting.", "server", "manager"),
		reading:   gauge("headroom_license_server_last_reading_timestamp_seconds", "When the license server was read last, by the source's clock.", "server", "manager"),
		servers:   gauge("headroom_license_servers", "License servers that report, and that should.", "state"),
	}
}

// metrics answers with the figures of the organisation of a token, in the text format
// of Prometheus.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request, limits *limiters) {
	t, err := s.identify(r.Context(), limits, r.Header.Get("Authorization"), account.Viewer)
	if err != nil {
		s.refuse(w, err)
		return
	}
	o, err := s.Usage.Overview(r.Context(), t.Org)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "metrics failed", "err", err)
		s.refuse(w, err)
		return
	}
	all, err := s.Usage.Servers(r.Context(), t.Org)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "metrics failed", "err", err)
		s.refuse(w, err)
		return
	}
	registry := prometheus.NewRegistry()
	m := newEstateMetrics(registry)
	for _, c := range o.Cards {
		m.product(c)
	}
	for _, one := range all {
		m.server(one)
	}
	m.servers.WithLabelValues("reporting").Set(float64(o.Trust.Reporting))
	m.servers.WithLabelValues("registered").Set(float64(o.Trust.Total))
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// product sets the figures of a product.
func (m *estateMetrics) product(c usage.Card) {
	app, name, ok := strings.Cut(strings.ToValidUTF8(c.Product.Key, "?"), ".")
	if !ok {
		app, name = "", app
	}
	set := func(g *prometheus.GaugeVec, n license.Count) {
		if n.Known {
			g.WithLabelValues(app, name).Set(float64(n.N))
		}
	}
	if !c.Now.Unlimited {
		set(m.issued, c.Now.Installed)
	}
	set(m.used, c.Now.InUse)
	set(m.overdraft, c.Now.Over)
	if percent, ok := c.Now.Available(); ok {
		m.available.WithLabelValues(app, name).Set(percent / 100)
	}
	for window, p := range map[string]insight.Peak{"7d": c.Peaks.Last7, "month": c.Peaks.Month, "all": c.Peaks.All} {
		if p.Known {
			m.peak.WithLabelValues(app, name, window).Set(float64(p.Value))
		}
	}
}

// server sets the figures of a license server. Of two with one name the later one
// counts.
func (m *estateMetrics) server(s usage.Server) {
	if s.Status == usage.Removed {
		return
	}
	name, manager := strings.ToValidUTF8(s.Name, "?"), strings.ToValidUTF8(s.Manager, "?")
	reporting := 0.0
	if s.Status == usage.Reporting {
		reporting = 1
	}
	m.reporting.WithLabelValues(name, manager).Set(reporting)
	if !s.LastReading.IsZero() {
		m.reading.WithLabelValues(name, manager).Set(float64(s.LastReading.Unix()))
	}
}
