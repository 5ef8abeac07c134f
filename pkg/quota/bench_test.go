package quota

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// BenchmarkTake takes calls of one account, and of a thousand, from all cores.
func BenchmarkTake(b *testing.B) {
	for _, accounts := range []int{1, 1000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			l := New(newMemory(), func() float64 { return 1 }, time.Now, nil)
			q := hook.Quota{Calls: 1 << 40, Period: hook.MaxQuotaPeriod}
			ids := make([]string, accounts)
			for i := range ids {
				ids[i] = fmt.Sprint("account-", i)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if ok, _ := l.Take(b.Context(), ids[i%accounts], q); !ok {
						b.Error("used up")
						return
					}
				}
			})
		})
	}
}

// BenchmarkTakeUsedUp asks for calls that are known not to be there.
func BenchmarkTakeUsedUp(b *testing.B) {
	l := New(newMemory(), func() float64 { return 1 }, newClock().Now, nil)
	q := hook.Quota{Calls: 1, Period: time.Hour}
	require.True(b, take(b, l, q))
	b.ReportAllocs()
	for b.Loop() {
		if take(b, l, q) {
			b.Fatal("more than the quota")
		}
	}
}
