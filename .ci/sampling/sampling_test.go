// Package sampling lets the Collector's own tail sampling decide on traces like ours, by the
// configuration that is shipped. It is a module of its own, as the Collector is large.
package sampling

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
)

// settings are those of the file, but that decisions are made after a moment.
func sampler(t *testing.T, to *consumertest.TracesSink) processor.Traces {
	t.Helper()
	file, err := confmaptest.LoadConf("../../charts/staffetta/files/otel-collector.yaml")
	require.NoError(t, err)
	settings, err := file.Sub("processors::tail_sampling")
	require.NoError(t, err)
	require.NotEmpty(t, settings.AllKeys())
	factory := tailsamplingprocessor.NewFactory()
	config := factory.CreateDefaultConfig().(*tailsamplingprocessor.Config)
	require.NoError(t, settings.Unmarshal(config))
	require.GreaterOrEqual(t, config.DecisionWait, 30*time.Second, "a first attempt may take 30 s")
	config.DecisionWait = time.Second
	p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), config, to)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	return p
}

// attempt is the span of a request in a trace.
func attempt(trace uint64, number int64, took time.Duration, failed bool) ptrace.Traces {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("POST")
	// As random as real ones: the share that is kept is by a hash.
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], trace*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], trace+1)
	span.SetTraceID(id)
	span.SetSpanID([8]byte{1, byte(number)})
	span.Attributes().PutInt("staffetta.attempt", number)
	began := time.Now()
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(began.Add(took)))
	if failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	return traces
}

func TestFailuresAndSlowOnesAreKept(t *testing.T) {
	sink := &consumertest.TracesSink{}
	p := sampler(t, sink)
	const usual = 2000
	for n := range uint64(usual) {
		require.NoError(t, p.ConsumeTraces(t.Context(), attempt(n+100, 1, 5*time.Millisecond, false)))
	}
	interesting := map[uint64]string{1: "a failure", 2: "a slow one", 3: "a second attempt"}
	require.NoError(t, p.ConsumeTraces(t.Context(), attempt(1, 1, time.Millisecond, true)))
	require.NoError(t, p.ConsumeTraces(t.Context(), attempt(2, 1, 1100*time.Millisecond, false)))
	require.NoError(t, p.ConsumeTraces(t.Context(), attempt(3, 2, time.Millisecond, false)))

	kept := func() map[uint64]int {
		all := map[uint64]int{}
		for _, traces := range sink.AllTraces() {
			for _, resource := range traces.ResourceSpans().All() {
				for _, scope := range resource.ScopeSpans().All() {
					for _, span := range scope.Spans().All() {
						id := span.TraceID()
						all[binary.BigEndian.Uint64(id[8:])-1]++
					}
				}
			}
		}
		return all
	}
	require.Eventually(t, func() bool {
		all := kept()
		return all[1] > 0 && all[2] > 0 && all[3] > 0
	}, 30*time.Second, 50*time.Millisecond, "of %v some are not kept", interesting)
	require.Eventually(t, func() bool {
		share := float64(len(kept())-len(interesting)) / usual
		return share > 0.03 && share < 0.07
	}, 30*time.Second, 50*time.Millisecond, "about one in twenty of the others is kept")

	// The next attempt of a trace that was kept comes later, and is kept too, although
	// nothing is remarkable about it.
	require.NoError(t, p.ConsumeTraces(t.Context(), attempt(1, 1, time.Millisecond, false)))
	require.Eventually(t, func() bool { return kept()[1] == 2 }, 30*time.Second, 50*time.Millisecond)
}
