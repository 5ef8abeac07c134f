package subscribe_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
	"github.com/staffetta/staffetta/services/portal/trial"
)

func TestTheFirstRunWithOnesOwnReceiver(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	start := b.Get("/portal/start")
	require.Contains(t, start.Body, "staffetta listen")
	require.NotContains(t, start.Body, "demo receiver")
	require.Equal(t, http.StatusUnprocessableEntity, b.Post("/portal/start", url.Values{"receiver": {"own"}, "url": {"nothing"}}).Status)
	made := b.Post("/portal/start", url.Values{"receiver": {"demo"}, "url": {"https://example.com/hook"}, "once": {"k"}})
	require.Equal(t, http.StatusCreated, made.Status, "there is no demo receiver: it is one's own")
	require.Contains(t, made.Body, "whsec_")
	w := webhooks(t, i, portaltest.Account)[0]
	require.Contains(t, b.Get("/portal/start/"+w.ID).Body, "Send a test")
	tried := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	require.Equal(t, http.StatusOK, tried.Status)
	require.Contains(t, tried.URL.RawQuery, "delivery=dlv_")
	require.Contains(t, tried.Body, "On its way")
	require.Contains(t, tried.Body, `hx-trigger="load delay:600ms"`)
	require.Len(t, i.Kafka.Tried, 1)
	require.Equal(t, "Contact", i.Kafka.Tried[0].ItemType)
}

func TestTheFirstRunWithTheDemoReceiver(t *testing.T) {
	t.Parallel()
	receiver := trial.New("key", nil)
	i := portaltest.New(t, func(c *portal.Config) { c.Trial = receiver })
	// The address is on loopback, which the policy of tests does not allow: the guide says
	// so in place of making something that cannot work.
	receiver.Found(i.URL)
	b := owner(i)
	require.Contains(t, b.Get("/portal/start").Body, "The demo receiver")
	refused := b.Post("/portal/start", url.Values{"receiver": {"demo"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "private or reserved")

	receiver.Found("https://hooks.example.com")
	begun := b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k"}})
	require.Equal(t, http.StatusOK, begun.Status)
	w := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, "/portal/start/"+w.ID, begun.URL.Path)
	require.NotContains(t, begun.Body, "whsec_")
	b.Get("/portal/start")
	require.Equal(t, begun.URL.Path, b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k2"}}).URL.Path, "there is one already")
	require.Len(t, webhooks(t, i, portaltest.Account), 1)
}

// logged puts an attempt at a delivery into the log.
func logged(t *testing.T, i *portaltest.Installation, w *hook.Webhook, e *hook.Event, fate hook.Fate, status int) {
	t.Helper()
	from, err := i.Store.NextOffset(t.Context(), 0)
	require.NoError(t, err)
	require.NoError(t, i.Store.Record(t.Context(), []hook.Range{{From: from, To: from + 1, Records: []hook.Recorded{{Offset: from, Attempt: hook.Attempt{
		Delivery: hook.DeliveryID(e.ID, w.ID, -1), Number: 1, Fate: fate, Account: w.Account, Webhook: w.ID, Event: e.ID, EventType: e.Type, ItemType: e.ItemType,
		Items: []string{"TEST-1"}, Published: time.Now(), At: time.Now(), Duration: 12 * time.Millisecond, URL: w.URL, StatusCode: status, Test: true,
	}}}}}))
}

func TestTheArrivalOfATest(t *testing.T) {
	t.Parallel()
	receiver := trial.New("key", nil)
	receiver.Found("https://hooks.example.com")
	i := portaltest.New(t, func(c *portal.Config) { c.Trial = receiver })
	b := owner(i)
	b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k"}})
	w := webhooks(t, i, portaltest.Account)[0]
	tried := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	delivery := tried.URL.Query().Get("delivery")
	arrival := func() string {
		shown := b.Get("/portal/start/"+w.ID+"/arrival?delivery="+delivery+"&polls=7", "HX-Request", "true")
		require.Equal(t, http.StatusOK, shown.Status)
		return shown.Body
	}
	require.Contains(t, arrival(), "polls=8", "it asks again")
	require.Contains(t, b.Get("/portal/start/"+w.ID+"/arrival?delivery="+delivery+"&polls=400").Body, "Look again", "not for ever")

	// As the sender would post it.
	const body = `{"type":"contact.create","hostile":"<script>alert(1)</script>"}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Replace(w.URL, "https://hooks.example.com", i.URL, 1), strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, format.Sign(r.Header, hook.FormatStandard, format.Request{Body: []byte(body)},
		format.Signing{Delivery: delivery, At: time.Now(), Secrets: []format.Secret{{Text: receiver.Secret(portaltest.Account)}}}))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	logged(t, i, &w, &i.Kafka.Tried[0], hook.FateDelivered, 204)
	shown := arrival()
	for _, text := range []string{"Delivered.", "<strong>204</strong>", "in 12 ms", "Verified", "contact.create", "&lt;script&gt;", "/portal/log?webhook=" + w.ID} {
		require.Contains(t, shown, text)
	}
	require.NotContains(t, shown, "hx-trigger", "it asks no more")

	again := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	logged(t, i, &w, &i.Kafka.Tried[1], hook.FateExhausted, 500)
	require.Contains(t, b.Get(again.URL.RequestURI()).Body, "It was sent, but not taken")
}
