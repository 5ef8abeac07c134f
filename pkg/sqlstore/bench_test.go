package sqlstore_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// BenchmarkRecord writes transactions of 5,000 new deliveries, done at once, of
// one webhook or of a hundred, and of one item each. cpu_us/record is what a record costs of CPU,
// this process's; server_us/record what it costs PostgreSQL's process for the
// connection (its writers in the background, which others use too, left out).
func BenchmarkRecord(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": openSQLite, "postgres": openPostgres} {
		for _, webhooks := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, webhooks), func(b *testing.B) { benchmarkRecord(b, open(b), webhooks) })
		}
	}
}

func benchmarkRecord(b *testing.B, db *database.DB, webhooks int) {
	store := sqlstore.New(db, newClock().Now)
	var server func() time.Duration
	if db.Dialect == database.Postgres {
		var pid int
		require.NoError(b, db.QueryRowContext(b.Context(), `SELECT pg_backend_pid()`).Scan(&pid))
		server = func() time.Duration { return processCPU(pid) }
	}
	const size = 5000
	var next int64
	var ownTime, serverTime time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		records := make([]hook.Recorded, size)
		for i := range records {
			a := deliveredAtOnce(int(next) + i)
			a.Webhook = fmt.Sprintf("wh_01jz8k0000000000000000%03d", i%webhooks)
			records[i] = hook.Recorded{Offset: next + int64(i), Attempt: a}
		}
		ownTime -= ownCPU()
		if server != nil {
			serverTime -= server()
		}
		b.StartTimer()
		require.NoError(b, store.Record(b.Context(), []hook.Range{{From: next, To: next + size, Records: records}}))
		b.StopTimer()
		ownTime += ownCPU()
		if server != nil {
			serverTime += server()
		}
		b.StartTimer()
		next += size
	}
	b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(ownTime.Microseconds())/float64(next), "cpu_us/record")
	b.ReportMetric(float64(serverTime.Microseconds())/float64(next), "server_us/record")
}

func deliveredAtOnce(n int) hook.Attempt {
	return but(attempt(n), func(a *hook.Attempt) {
		a.Webhook = fmt.Sprint("wh_01jz8k00000000000000000", n%10)
		a.Event = "evt_" + hook.DeliveryID(fmt.Sprint(n), "", -1)[4:]
		a.Delivery = hook.DeliveryID(a.Event, a.Webhook, -1)
		a.Published = start.Add(time.Duration(n) * time.Millisecond / 10)
		a.At = a.Published.Add(5 * time.Millisecond)
		a.Items, a.Response = []string{fmt.Sprint(n)}, nil
		a.Fate, a.Reason, a.Detail, a.StatusCode, a.Due = hook.FateDelivered, hook.ReasonNone, "", 200, time.Time{}
		// On a connection that is there; the header takes as much as that of most requests.
		a.Timing, a.Request = hook.Timing{FirstByte: 3400 * time.Microsecond}, bytes.Repeat([]byte{7}, 95)
		a.ResponseHeaders = []hook.Header{{Name: "Content-Length", Value: "0"}, {Name: "Date", Value: "Mon, 02 Jan 2006 15:04:05 GMT"}}
	})
}

// ownCPU is the time that this process has computed.
func ownCPU() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// processCPU is the time that a process of this machine has computed, in steps
// of 10 ms; 0 where there is no /proc.
func processCPU(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // behind the name
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, proc(5)
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
