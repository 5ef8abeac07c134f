package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// BenchmarkRecord writes batches of 5,000 new deliveries with one attempt and
// one item each, so rows in three tables and an fsync a batch. On 2 cores that
// do little else: 18–21,000 records/s on SQLite, 20,000 on PostgreSQL 15 on the
// same machine; with both cores busy (load 5 to 8) 9–12,000 and 8–9,000.
func BenchmarkRecord(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": openSQLite, "postgres": openPostgres} {
		b.Run(name, func(b *testing.B) {
			store := sqlstore.New(open(b), nil)
			const size = 5000
			var next int64
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				records := make([]hook.Recorded, size)
				for i := range records {
					n := next + int64(i)
					a := attempt(int(n))
					a.Delivery = hook.DeliveryID(fmt.Sprint(n), "wh_1", -1)
					a.Items, a.Response, a.Fate = []string{fmt.Sprint(n)}, nil, hook.FateDelivered
					records[i] = hook.Recorded{Offset: n, Attempt: a}
				}
				b.StartTimer()
				require.NoError(b, store.Record(b.Context(), 0, next, next+size, records))
				next += size
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
