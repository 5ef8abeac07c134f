package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
)

func TestARecordIsTheEventAsUpstreamWouldEncodeIt(t *testing.T) {
	t.Parallel()
	l := load{tenants: []tenant{{account: "bench-a"}, {account: "bench-b"}}}
	at := time.Now()
	for _, number := range []int{0, 1, 2, 3, 10, 11, 99, 100, 101, 5000, 9_999, 10_000, 123_456_789} {
		topic, e := l.event(number, at)
		value, err := codec.EncodeJSON(e)
		require.NoError(t, err)
		r := l.record(number, at)
		require.Equal(t, string(value), string(r.Value))
		require.Equal(t, e.Account+"/"+e.ItemType, string(r.Key))
		require.Equal(t, topic, r.Topic)
		require.Equal(t, bus.AnyPartition, r.Partition)
		require.Contains(t, string(data(number%items)), `"IT0000`)
	}
	require.Regexp(t, `"IT0{10}7"`, string(data(7)))
	require.Regexp(t, `"IT0{11}"`, string(data(0)))
	require.Regexp(t, `"IT0{7}1000"`, string(data(1000)))
}

// BenchmarkRecord weighs on every scenario's figures.
func BenchmarkRecord(b *testing.B) {
	l := load{tenants: []tenant{{account: "bench-0123456789"}}}
	at := time.Now()
	number := 0
	b.ReportAllocs()
	for b.Loop() {
		l.record(number, at)
		number++
	}
}
