package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

func TestVariantsSayHowManyAreIllAndHow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Variant{
		"hang-1-of-20":       {As: receiver.Hang, Ill: 1, Of: 20},
		"500-10-of-20":       {As: receiver.Status(500), Ill: 10, Of: 20},
		"hang-5000-of-10000": {As: receiver.Hang, Ill: 5_000, Of: 10_000},
	} {
		v, err := ParseVariant(text)
		require.NoError(t, err, text)
		require.Equal(t, want, v)
		count := map[string]int{}
		for n := range v.Of {
			count[v.group(n)]++
		}
		require.Equal(t, map[string]int{ill: v.Ill, healthy: v.Of - v.Ill}, count, text)
	}
	for _, text := range []string{
		"", "hang", "hang-1", "hang-0-of-20", "hang-20-of-20", "hang-1-of-20 ", "200-1-of-2", "600-1-of-2", "sing-1-of-2", "hang-1-of--2",
	} {
		_, err := ParseVariant(text)
		require.ErrorIs(t, err, errVariant, text)
	}
}

func TestASummaryAddsCountsAndTakesTheMediansOfRates(t *testing.T) {
	t.Parallel()
	runs := []Part{
		{Name: "x", Runs: 1, Deliveries: 10, Seconds: 1, DeliveriesPerSecond: 10, P50: 1, P99: 9, Lost: 1, Pending: 2},
		{Name: "x", Runs: 1, Deliveries: 20, Seconds: 1, DeliveriesPerSecond: 20, P50: 5, P99: 6, Duplicated: 3},
		{Name: "x", Runs: 1, Deliveries: 90, Seconds: 2, DeliveriesPerSecond: 45, P50: 3, P99: 7},
	}
	require.Equal(t, Part{
		Name: "x", Runs: 3, Deliveries: 120, Seconds: 4, DeliveriesPerSecond: 20, P50: 3, P99: 7,
		Lost: 1, Duplicated: 3, Pending: 2,
	}, summary(runs))
}

func TestRatiosAreThoseOfPairs(t *testing.T) {
	t.Parallel()
	// The machine got slower: the medians' ratio would be 1.
	over := []Part{{DeliveriesPerSecond: 90}, {DeliveriesPerSecond: 45}, {DeliveriesPerSecond: 18}}
	under := []Part{{DeliveriesPerSecond: 100}, {DeliveriesPerSecond: 50}, {DeliveriesPerSecond: 20}}
	require.InDelta(t, 0.9, medianRatio(over, under, rateOf), 1e-9)
	require.Zero(t, medianRatio(over, []Part{{}, {}, {}}, rateOf), "nothing to divide by")
	require.InDelta(t, 1.5, median([]float64{2, 1}), 1e-9)
	require.Zero(t, median(nil))
}

func TestThingsTakeTurnsInBothDirections(t *testing.T) {
	t.Parallel()
	var turns []int
	require.NoError(t, inTurns(3, 2, func(thing int) error { turns = append(turns, thing); return nil }))
	require.Equal(t, []int{0, 1, 1, 0, 0, 1}, turns)
	broken := errors.New("broken")
	require.ErrorIs(t, inTurns(3, 2, func(int) error { return broken }), broken)
}

func TestFiguresAreSumsByNameAndByLabel(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	fates := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "staffetta_sender_fates_total"}, []string{"fate", "reason"})
	flying := prometheus.NewGauge(prometheus.GaugeOpts{Name: inFlight})
	registry.MustRegister(fates, flying)
	flying.Set(7)
	fates.WithLabelValues("exhausted", "status").Add(2)
	in := &installation{parts: &assembly.Parts{Metrics: registry}}
	before, err := in.figures()
	require.NoError(t, err)
	fates.WithLabelValues("exhausted", "timeout").Add(3)
	fates.WithLabelValues("delivered", "").Add(100)
	fates.WithLabelValues("cancelled", "revoked").Add(1000)
	now, err := in.figures()
	require.NoError(t, err)

	require.InDelta(t, 7, now[inFlight], 0)
	require.InDelta(t, 1105, now["staffetta_sender_fates_total"], 0)
	require.InDelta(t, 5, now["staffetta_sender_fates_total{fate=exhausted}"], 0)
	require.Equal(t, 5, now.givenUp(), "neither what was delivered nor what was revoked")
	require.Equal(t, 3, now.since(before).givenUp())
}

func TestTheJSONHasPartsRatiosFiguresAndSeriesInThousandths(t *testing.T) {
	t.Parallel()
	result := Result{
		Parts:  []Part{{Name: "x", P99: 1.23456}},
		Ratios: map[string]float64{"x": 0.98765}, Figures: map[string]float64{"y_ms": 2.00049},
		Series: map[string][]float64{"z": {1.00051}},
	}
	var text bytes.Buffer
	require.NoError(t, result.WriteJSON(&text))
	var again Result
	require.NoError(t, json.Unmarshal(text.Bytes(), &again))
	require.InDelta(t, 1.235, again.Parts[0].P99, 1e-12)
	require.Equal(t, map[string]float64{"x": 0.988}, again.Ratios)
	require.Equal(t, map[string]float64{"y_ms": 2}, again.Figures)
	require.Equal(t, map[string][]float64{"z": {1.001}}, again.Series)
	require.InDelta(t, 1.23456, result.Parts[0].P99, 1e-12, "writing changes nothing")
}
