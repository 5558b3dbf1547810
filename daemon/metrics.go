package daemon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"aad/apprentice"
	"aad/rpc"
)

// levels tells what stands at the moment somebody looks.
type levels struct{ d *Daemon }

var (
	descBuild   = prometheus.NewDesc("aad_build_info", "Always 1; its label is the version.", []string{"version"}, nil)
	descRuns    = prometheus.NewDesc("aad_runs", "Runs by queue state.", []string{"state"}, nil)
	descDepth   = prometheus.NewDesc("aad_queue_depth", "Runs that could start if there were slots.", nil, nil)
	descSlots   = prometheus.NewDesc("aad_slots", "Runs worked on at once, at most.", nil, nil)
	descBusy    = prometheus.NewDesc("aad_slots_busy", "Runs worked on now.", nil, nil)
	descWatches = prometheus.NewDesc("aad_watchers", "Subscriptions to events.", nil, nil)
	descClients = prometheus.NewDesc("aad_connections", "Connections to the socket.", nil, nil)
	descCalls   = prometheus.NewDesc("aad_calls_in_flight", "Calls not yet answered.", nil, nil)
	descBytes   = prometheus.NewDesc("aad_database_bytes", "Size of the database.", nil, nil)
	descCommits = prometheus.NewDesc("aad_commits_total", "Transactions committed since the start.", nil, nil)
	descWrites  = prometheus.NewDesc("aad_writes_total", "Writes in these transactions.", nil, nil)
	descEvents  = prometheus.NewDesc("aad_events_total", "Events in the log, over the home's life.", nil, nil)
	descUp      = prometheus.NewDesc("aad_start_time_seconds", "When aad started, in Unix time.", nil, nil)
)

// Describe names what Collect sends.
func (s levels) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBuild, descRuns, descDepth, descSlots, descBusy, descWatches, descClients, descCalls,
		descBytes, descCommits, descWrites, descEvents, descUp} {
		out <- d
	}
}

// Collect sends the figures of this moment.
func (s levels) Collect(out chan<- prometheus.Metric) {
	d := s.d
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	counter := func(desc *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(v))
	}
	gauge(descBuild, 1, d.cfg.Version)
	counts := d.store.Counts()
	for state, n := range counts {
		gauge(descRuns, float64(n), string(state))
	}
	gauge(descDepth, float64(counts[apprentice.Queued]))
	gauge(descSlots, float64(d.settings.inForce().MaxParallel))
	gauge(descBusy, float64(d.sched.busy()))
	gauge(descWatches, float64(d.watchers.count()))
	server := d.server.Stats()
	gauge(descClients, float64(server.Connections))
	gauge(descCalls, float64(server.Calls))
	gauge(descUp, float64(d.started.Unix()))
	stats, err := d.store.Stats()
	if err != nil {
		d.log.Error("read the store for metrics", "error", err)
		return
	}
	gauge(descBytes, float64(stats.Bytes))
	counter(descCommits, stats.Commits)
	counter(descWrites, stats.Writes)
	counter(descEvents, stats.LastSeq)
}

// daemonMetrics tells the same figures as the page does.
func (d *Daemon) daemonMetrics(context.Context, *rpc.Peer, rpc.Empty) (out rpc.MetricsResult, err error) {
	families, err := d.meter.registry.Gather()
	if err != nil {
		return out, fmt.Errorf("gather the metrics: %w", err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			one := rpc.Metric{Name: f.GetName(), Help: f.GetHelp()}
			for _, l := range m.GetLabel() {
				if one.Labels == nil {
					one.Labels = map[string]string{}
				}
				one.Labels[l.GetName()] = l.GetValue()
			}
			switch f.GetType() {
			case dto.MetricType_HISTOGRAM:
				one.Type, one.Value, one.Count = "histogram", m.GetHistogram().GetSampleSum(), m.GetHistogram().GetSampleCount()
			case dto.MetricType_COUNTER:
				one.Type, one.Value = "counter", m.GetCounter().GetValue()
			default:
				one.Type, one.Value = "gauge", m.GetGauge().GetValue()
			}
			out.Metrics = append(out.Metrics, one)
		}
	}
	return out, nil
}

// serveMetrics serves the figures as Prometheus' text at /metrics, where the settings
// name an address, until ctx ends. They are not worth a daemon: an address that
// cannot be had is logged.
func (d *Daemon) serveMetrics(ctx context.Context) error {
	address := d.settings.inForce().MetricsAddress
	if address == "" {
		return nil
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		d.log.Error("serve metrics", "metrics_address", address, "error", err)
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", toLoopback(promhttp.HandlerFor(d.meter.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second, MaxHeaderBytes: 16 << 10}
	// Ends the Serve below when ctx ends.
	defer context.AfterFunc(ctx, func() { server.Close() })()
	d.log.Info("metrics are served", "url", "http://"+ln.Addr().String()+"/metrics")
	if err := server.Serve(ln); err != nil && ctx.Err() == nil {
		d.log.Error("serve metrics", "metrics_address", address, "error", err)
	}
	return nil
}

// toLoopback refuses who asks for another host: a page in a browser whose name was
// made to lead here could read the answer.
func toLoopback(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "the header Host names no loopback address; a proxy before aad sets it to metrics_address", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
