package deliveries_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// between is what stands between two texts, and all behind them.
func between(t *testing.T, text, from, to string) (rest, found string) {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	require.True(t, ok, from)
	found, rest, ok = strings.Cut(rest, to)
	require.True(t, ok, to)
	return rest, strings.ReplaceAll(found, "&amp;", "&")
}

func revoke(s *suite) error {
	_, err := s.Store.UpdateWebhook(s.t.Context(), portaltest.Account, s.hook, 0, func(w *hook.Webhook) error {
		w.Status, w.RevokedAt = hook.Revoked, s.now
		return nil
	})
	return err
}

// next is the next event that is no heartbeat.
func next(t *testing.T, events *portaltest.Events) portaltest.Event {
	t.Helper()
	for {
		e, ok := events.Next()
		require.True(t, ok, "the stream has ended")
		if e.Name != "" {
			return e
		}
	}
}

func TestTheLogShowsWhatHappensAsItHappens(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	retried := s.record(s.attempt(1, hook.FateRetrying))
	b := s.Visit(hook.RoleViewer)
	events := b.Open("/portal/log/stream")
	require.Contains(t, next(t, events).Data, `hx-swap-oob="innerHTML:#rows"`, "a page that does not say what it shows gets all")

	created := s.record(s.attempt(2, hook.FateDelivered, func(a *hook.Attempt) { a.Items = []string{"new" + evil} }))
	e := next(t, events)
	require.Equal(t, "rows", e.Name)
	require.NotEmpty(t, e.ID)
	require.Contains(t, e.Data, `<tbody hx-swap-oob="beforebegin:#`+retried)
	require.Contains(t, e.Data, `<tr id="`+created)
	require.NotContains(t, e.Data, "<script>")
	require.Equal(t, 1, strings.Count(e.Data, "<tr"))

	s.record(s.attempt(1, hook.FateDelivered, func(a *hook.Attempt) { a.Number, a.Step, a.At = 2, 1, a.At.Add(time.Second) }))
	e = next(t, events)
	require.Contains(t, e.Data, `<tr id="`+retried)
	require.Contains(t, e.Data, `hx-swap-oob="outerHTML"`)
	require.Contains(t, e.Data, "Delivered")
	require.Equal(t, 1, strings.Count(e.Data, "<tr"))
}

func TestWhatAFilterNoLongerMeansGoesAway(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.record(s.attempt(1, hook.FateExhausted))
	retried := s.record(s.attempt(2, hook.FateRetrying))
	b := s.Visit(hook.RoleViewer)
	events := b.Open("/portal/log/stream?status=failed")
	next(t, events)
	s.record(s.attempt(3, hook.FateDelivered), s.attempt(2, hook.FateDelivered, func(a *hook.Attempt) { a.Number, a.Step, a.At = 2, 1, a.At.Add(time.Second) }))
	e := next(t, events)
	require.Contains(t, e.Data, `<tr id="`+retried)
	require.Contains(t, e.Data, `hx-swap-oob="delete"`)
	require.NotContains(t, e.Data, "item3")
}

func TestWhoConnectsAgainMissesNothing(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.record(s.attempt(1, hook.FateDelivered))
	b := s.Visit(hook.RoleViewer)
	_, stream := between(t, b.Get("/portal/log").Body, `sse-connect="`, `"`)
	events := b.Open("/portal/log/stream")
	first := next(t, events)
	require.True(t, strings.HasSuffix(stream, "?seen="+first.ID), "the page says what it shows")
	events.Close()

	s.record(s.attempt(2, hook.FateDelivered))
	events = b.Open("/portal/log/stream", "Last-Event-ID", first.ID)
	second := next(t, events)
	require.Contains(t, second.Data, `hx-swap-oob="innerHTML:#rows"`)
	require.Contains(t, second.Data, "item2")
	require.Contains(t, second.Data, "item1")
	events.Close()

	events = b.Open("/portal/log/stream", "Last-Event-ID", second.ID)
	s.record(s.attempt(3, hook.FateDelivered))
	third := next(t, events)
	require.Contains(t, third.Data, "item3")
	events.Close()
}

func TestAStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleViewer)
	b.Get("/portal/log")
	events := b.Open("/portal/log/stream")
	require.Equal(t, "rows", next(t, events).Name)
	_, err := s.DB.ExecContext(t.Context(), `DELETE FROM portal_sessions`)
	require.NoError(t, err)
	require.Equal(t, "over", next(t, events).Name, "the page connects no more")
	_, ok := events.Next()
	require.False(t, ok)
}

func TestASessionHasFewStreams(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleViewer)
	var open []*portaltest.Events
	for range 4 {
		open = append(open, b.Open("/portal/log/stream"))
	}
	require.Equal(t, http.StatusTooManyRequests, b.Status("/portal/log/stream"))
	s.Visit(hook.RoleViewer).Open("/portal/log/stream") // others have their own
	open[0].Close()
	require.Eventually(t, func() bool {
		return b.Status("/portal/log/stream") == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
}

func TestTheLiveLogIsPaused(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleViewer)
	_, pause := between(t, b.Get("/portal/log?status=failed").Body, `class="quiet small" hx-get="`, `"`)
	paused := b.Get(pause, "HX-Request", "true").Body
	require.NotContains(t, paused, "sse-connect")
	require.NotContains(t, paused, "portal:back", "it stays so when the window comes back")
	_, resume := between(t, paused, `hx-get="`, `"`)
	require.Contains(t, b.Get(resume, "HX-Request", "true").Body, `sse-connect="/portal/log/stream?status=failed"`)
	away := b.Get("/portal/log/live?state=away", "HX-Request", "true").Body
	require.NotContains(t, away, "sse-connect")
	require.Contains(t, away, "portal:back")
	require.Equal(t, "/portal/log", b.Get("/portal/log/live").URL.Path)
}

func TestAStreamOfWhatIsRefusedIsOver(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	events := s.Visit(hook.RoleViewer).Open("/portal/log/stream?status=strange")
	require.Equal(t, "over", next(t, events).Name)
	_, ok := events.Next()
	require.False(t, ok)
}
