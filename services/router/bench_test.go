package router_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// BenchmarkRoute is what a router that was away catches up with: events of 400
// bytes, for one webhook each. Partitions are those that the member reads.
func BenchmarkRoute(b *testing.B) {
	for _, read := range []int{4, 160} {
		b.Run("partitions="+strconv.Itoa(read), func(b *testing.B) { benchmarkRoute(b, read) })
	}
}

func benchmarkRoute(b *testing.B, read int) {
	specs := bus.Topics(partitions, nil)
	for i := range specs {
		if specs[i].Name == contacts {
			specs[i].Partitions = read
		}
	}
	f := newFixture(b, specs...)
	for i := range b.N {
		require.NoError(b, f.producer.Produce(context.Background(), bus.Record{
			Topic: contacts, Partition: i % read, Value: event(fmt.Sprintf("evt_%010d", i), "acme", 300),
		}, nil))
	}
	require.NoError(b, f.producer.Close(context.Background()))
	b.ResetTimer()
	stop, _ := f.start(newAccounts(account("acme")))
	f.eventually(func() bool {
		ends, err := f.client.EndOffsets(context.Background(), bus.Deliveries)
		require.NoError(b, err)
		total := int64(0)
		for _, end := range ends {
			total += end
		}
		return total >= int64(b.N)
	}, "all is routed")
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	require.NoError(b, stop())
}
