package router_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/services/router"
)

// TestTheFirstOfEachBadInputIsSeen: Prometheus sees an increase only of a series that was there before.
func TestTheFirstOfEachBadInputIsSeen(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	router.New(router.Config{
		Snapshot: newAccounts(), Tracer: noop.NewTracerProvider().Tracer(""), Log: zap.NewNop(), Metrics: metrics,
	})
	want := []string{"unknown_account", "breaks_schema", "unencodable", "undecodable"}
	for _, reason := range codec.Reasons {
		want = append(want, string(reason))
	}
	families, err := metrics.Gather()
	require.NoError(t, err)
	var found []string
	for _, family := range families {
		if family.GetName() != "staffetta_router_quarantined_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			require.Zero(t, m.GetCounter().GetValue())
			found = append(found, m.GetLabel()[0].GetValue())
		}
	}
	require.ElementsMatch(t, want, found)
}
