package telemetry

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one round of checks: below the 1 s that Kubernetes waits
// for a probe by default.
const checkTimeout = 900 * time.Millisecond

// Check says whether something works: nil if it does. Its error is shown to
// whoever asks, so it holds no secrets.
type Check func(context.Context) error

// Health knows what must work for a process to be ready. Its zero value has no
// checks and is ready. It is safe for concurrent use.
type Health struct {
	mu     sync.Mutex
	checks []namedCheck
}

type namedCheck struct {
	name     string
	required bool
	check    Check
}

// Require adds a check that must succeed for the process to be ready.
func (h *Health) Require(name string, check Check) { h.add(name, true, check) }

// Report adds a check that is shown but does not decide.
func (h *Health) Report(name string, check Check) { h.add(name, false, check) }

func (h *Health) add(name string, required bool, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, namedCheck{name, required, check})
}

// Readiness is the body of /readyz.
type Readiness struct {
	Ready  bool          `json:"ready"`
	Checks []CheckResult `json:"checks"`
}

// CheckResult is what one check found.
type CheckResult struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Required is false for a check that is shown but does not decide.
	Required bool   `json:"required"`
	Error    string `json:"error,omitempty"`
}

// Ready runs all checks at the same time, in at most 900 ms.
func (h *Health) Ready(ctx context.Context) Readiness {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	h.mu.Lock()
	checks := append([]namedCheck(nil), h.checks...)
	h.mu.Unlock()

	errs := make([]chan error, len(checks))
	for i, c := range checks {
		errs[i] = make(chan error, 1)
		go func() { errs[i] <- c.check(ctx) }()
	}
	result := Readiness{Ready: true, Checks: make([]CheckResult, 0, len(checks))}
	for i, c := range checks {
		var err error
		select {
		case err = <-errs[i]:
		case <-ctx.Done(): // a check that does not heed its context
			err = ctx.Err()
		}
		found := CheckResult{Name: c.name, OK: err == nil, Required: c.required}
		if err != nil {
			found.Error = err.Error()
			result.Ready = result.Ready && !c.required
		}
		result.Checks = append(result.Checks, found)
	}
	return result
}

var (
	readyDesc = prometheus.NewDesc("staffetta_ready", "1 if the process is ready, as /readyz says.", nil, nil)
	checkDesc = prometheus.NewDesc("staffetta_check_ok", "1 if a part that the process needs works, as /readyz says.",
		[]string{"check"}, nil)
)

// Describe implements prometheus.Collector.
func (h *Health) Describe(to chan<- *prometheus.Desc) { to <- readyDesc; to <- checkDesc }

// Collect implements prometheus.Collector: it runs all checks.
func (h *Health) Collect(to chan<- prometheus.Metric) {
	found := h.Ready(context.Background())
	to <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, truth(found.Ready))
	for _, c := range found.Checks {
		to <- prometheus.MustNewConstMetric(checkDesc, prometheus.GaugeValue, truth(c.OK), c.Name)
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Handler serves /livez, /readyz and /metrics. /livez says no more than that
// the process answers: restarting it because Kafka is away would help nobody.
func Handler(metrics prometheus.Gatherer, health *Health) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, struct {
			Live bool `json:"live"`
		}{true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		result := health.Ready(r.Context())
		status := http.StatusOK
		if !result.Ready {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, result)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The connection is the client's: if it is gone there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}
