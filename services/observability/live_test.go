package observability_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// within bounds what takes some seconds; it is only waited out by a failure.
const within = 90 * time.Second

// demo is the binary, which `make test-observability` has built. Without it the tests that
// need a running Staffetta, Prometheus and promtool are left out.
func demo(t *testing.T) (binary string) {
	t.Helper()
	binary = os.Getenv("STAFFETTA_OBSERVED")
	if binary == "" {
		t.Skip("make test-observability names the binary to be observed")
	}
	return binary
}

func TestTheRulesHold(t *testing.T) {
	t.Parallel()
	demo(t)
	for _, args := range [][]string{{"check", "rules"}, {"test", "rules"}} {
		pattern := map[string]string{"check": "*.yaml", "test": "tests/*.yaml"}[args[0]]
		files, err := filepath.Glob(root + "charts/staffetta/rules/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		out, err := exec.Command("promtool", append(args, files...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// TestPrometheusAnswersEveryPanelAndAlert lets a real Prometheus scrape a running
// standalone with its demo.
func TestPrometheusAnswersEveryPanelAndAlert(t *testing.T) {
	t.Parallel()
	address := startDemo(t, demo(t))
	p := startPrometheus(t, address)

	// Every panel has data, be it 0.
	open := promQL()
	require.NotEmpty(t, open)
	eventually(t, func() error {
		var silent []panelQuery
		for _, q := range open {
			answered, err := p.query(filled(q.expr))
			if err != nil {
				return fmt.Errorf("%s: %w", q.where, err)
			}
			if !answered {
				silent = append(silent, q)
			}
		}
		if open = silent; len(open) > 0 {
			return fmt.Errorf("%d panels have no data, such as %s: %s", len(open), open[0].where, open[0].expr)
		}
		return nil
	})
	for _, r := range rules(t) {
		fires, err := p.query(r.Expr)
		require.NoError(t, err, r.Alert+r.Record)
		if r.Alert == "StaffettaServiceMissing" {
			require.False(t, fires, "every service is found")
		}
	}
	eventually(t, func() error { return p.exemplars("staffetta_sender_request_duration_seconds_bucket") })

	scraped := scrape(t, address)
	known := declared(t)
	for name, family := range scraped {
		if !strings.HasPrefix(name, "staffetta_") {
			continue
		}
		m, ok := known[name]
		require.True(t, ok, "%s is in no reference", name)
		require.Equal(t, m.kind, strings.ToLower(family.GetType().String()), name)
		require.LessOrEqual(t, len(family.GetMetric()), 400, "%s has too many series", name)
		for _, series := range family.GetMetric() {
			for _, l := range series.GetLabel() {
				require.Contains(t, m.labels, l.GetName(), name)
				require.NotRegexp(t, `^(wh|dlv|evt|sk|qrn)_|^demo$|[0-9a-f]{16}|^https?:|/[0-9]+$`, l.GetValue(),
					"%s names somebody by its label %s", name, l.GetName())
			}
		}
	}
}

// startDemo starts a standalone whose traces are recorded, and thrown away.
func startDemo(t *testing.T, binary string) (address string) {
	t.Helper()
	nowhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(nowhere.Close)
	address, kafka, dir := freeAddress(t), freeAddress(t), t.TempDir()
	run(t, []string{"HOME=" + dir, "OTEL_EXPORTER_OTLP_ENDPOINT=" + nowhere.URL},
		binary, "standalone", "--demo", "--data", dir, "--listen", address, "--kafka-listen", kafka)
	eventually(t, func() error { return ready("http://" + address + "/readyz") })
	return address
}

// prom is a running Prometheus.
type prom struct{ url string }

// startPrometheus scrapes an address every second, with the chart's rules evaluated as often.
func startPrometheus(t *testing.T, address string) prom {
	t.Helper()
	dir, listen := t.TempDir(), freeAddress(t)
	files, err := filepath.Glob(root + "charts/staffetta/rules/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		often := regexp.MustCompile(`interval: \S+`).ReplaceAll(text, []byte("interval: 1s"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "rules-"+filepath.Base(file)), often, 0o600))
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['rules-*.yaml']
scrape_configs: [{job_name: staffetta, static_configs: [{targets: ['%s']}]}]
`, address)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	run(t, nil, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+listen, "--enable-feature=exemplar-storage", "--log.level=warn")
	eventually(t, func() error { return ready("http://" + listen + "/-/ready") })
	return prom{"http://" + listen}
}

// get asks the API, and puts what it answers into data.
func (p prom) get(path string, ask url.Values, data any) error {
	answer, err := http.Get(p.url + path + "?" + ask.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return err
	}
	if body.Status != "success" {
		return fmt.Errorf("%s: %s", ask, body.Error)
	}
	return json.Unmarshal(body.Data, data)
}

// query reports whether an expression has a value that is a number.
func (p prom) query(expr string) (answered bool, err error) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.get("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return false, err
	}
	for _, r := range data.Result {
		text, _ := r.Value[1].(string)
		if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
			return true, nil
		}
	}
	return false, nil
}

// exemplars says so if a metric has none that names a trace.
func (p prom) exemplars(metric string) error {
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	now := time.Now()
	ask := url.Values{"query": {metric}, "start": {now.Add(-time.Hour).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)}}
	if err := p.get("/api/v1/query_exemplars", ask, &data); err != nil {
		return err
	}
	for _, series := range data {
		for _, e := range series.Exemplars {
			if len(e.Labels["trace_id"]) == 32 {
				return nil
			}
		}
	}
	return fmt.Errorf("%s has no exemplar with a trace", metric)
}

// filled is an expression with what Grafana puts into it.
func filled(expr string) string { return strings.ReplaceAll(expr, "$__rate_interval", "20s") }

func scrape(t *testing.T, address string) map[string]*dto.MetricFamily {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	require.NoError(t, err)
	return families
}

// run starts a program that ends with the test.
func run(t *testing.T, env []string, program string, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		stop()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("--- %s:\n%s", program, log.Bytes()[max(0, log.Len()-8<<10):])
		}
	})
}

func ready(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	return nil
}

// eventually retries until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", within, err)
		}
		<-again.C
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
