package deliveries_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// BenchmarkLog opens the log of an account that has 100,000 deliveries to 50 webhooks, one
// in a hundred of them failed, over HTTP and with the session's look-up; SQLite.
func BenchmarkLog(b *testing.B) {
	s := &suite{Installation: portaltest.New(b), t: b, now: time.Now().Add(-24 * time.Hour)}
	var hooks []string
	for n := range 50 {
		hooks = append(hooks, s.webhook(fmt.Sprint("Webhook ", n)))
	}
	const all, atOnce = 100_000, 5_000
	var some string
	for from := 0; from < all; from += atOnce {
		attempts := make([]hook.Attempt, atOnce)
		for i := range attempts {
			fate := hook.FateDelivered
			if i%100 == 0 {
				fate = hook.FateExhausted
			}
			attempts[i] = s.attempt(0, fate, func(a *hook.Attempt) {
				a.Event, a.Webhook = fmt.Sprint("evt_", from+i), hooks[i%len(hooks)]
				a.Published = s.now.Add(time.Duration(from+i) * 500 * time.Millisecond)
				a.At = a.Published.Add(5 * time.Millisecond)
			})
		}
		some = s.record(attempts...)
	}
	for name, path := range map[string]string{
		"newest": "/portal/log", "failed": "/portal/log?status=failed", "webhook": "/portal/log?webhook=" + hooks[7],
		"reason": "/portal/log?reason=status", "item": "/portal/log?itemId=item0", "detail": "/portal/log/" + some,
	} {
		b.Run(name, func(b *testing.B) {
			on := s.Visit(hook.RoleViewer)
			for b.Loop() {
				require.Equal(b, http.StatusOK, on.Get(path).Status)
			}
		})
	}
}
