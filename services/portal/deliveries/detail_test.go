package deliveries_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestADeliveryShowsItsAttempts(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.record(s.attempt(1, hook.FateRetrying, func(a *hook.Attempt) {
		a.Due = s.now.Add(time.Minute)
		a.Reason, a.StatusCode, a.Response = hook.ReasonTimeout, 0, nil
		a.Timing = hook.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond}
	}), s.attempt(1, hook.FateExhausted, func(a *hook.Attempt) {
		a.Number, a.Step, a.At = 2, 1, a.At.Add(time.Minute)
		a.Response, a.ResponseHeaders = []byte(`{"why":"full"}`), []hook.Header{{Name: "Retry-After", Value: "7"}}
		a.Timing = hook.Timing{FirstByte: 4 * time.Millisecond}
		a.Request = sent.Append(nil, hook.Header{Name: "Authorization", Value: "***"}, sent.About{At: a.At})
	}))
	shown := s.Visit(hook.RoleViewer).Get("/portal/log/" + id)
	require.Equal(t, http.StatusOK, shown.Status)
	for _, text := range []string{
		"Attempt 1", "Attempt 2", "The receiver answered with a status other than 2xx", "No answer in time", "Retry-After", "Authorization", "***",
		"{\n  &#34;why&#34;: &#34;full&#34;\n}", "Name lookup (DNS)", "Encryption (TLS)", "Waiting", "Until the answer", "12 ms",
		`href="https://grafana.example.com/trace/0af7651916cd43dd8448eb211c80319c"`, `href="/portal/log?eventId=evt_1"`,
	} {
		require.Contains(t, shown.Body, text)
	}
	require.NotContains(t, shown.Body, "portal:tick", "nothing happens any more")
	require.NotContains(t, shown.Body, "/retry", "a viewer changes nothing")
	require.NotContains(t, shown.Body, "style=")
}

func TestADeliveryIsFollowedUntilItIsOver(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.record(s.attempt(1, hook.FateRetrying))
	b := s.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian)
	shown := b.Get("/portal/log/" + id).Body
	require.Contains(t, shown, "portal:tick")
	_, state := between(t, shown, `id="state" hx-get="`, `"`)
	require.Equal(t, http.StatusNoContent, b.Get(state, "HX-Request", "true").Status, "it is what it was")
	s.record(s.attempt(1, hook.FateDelivered, func(a *hook.Attempt) { a.Number, a.Step, a.At = 2, 1, a.At.Add(time.Second) }))
	now := b.Get(state, "HX-Request", "true")
	require.Equal(t, http.StatusOK, now.Status)
	require.Contains(t, now.Body, "Consegnato")
	require.NotContains(t, now.Body, "portal:tick")
	require.NotContains(t, now.Body, "<html", "a part of the page")
	require.Equal(t, "/portal/log/"+id, b.Get(state).URL.Path, "opened by itself it is the page")
}

func TestThePayloadIsShownOnDemand(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	a := s.attempt(1, hook.FateDelivered)
	id := s.record(a)
	s.Kafka.Payloads[a.Bundle] = hook.Event{
		ID: "evt_1", Account: portaltest.Account, Type: hook.Create, ItemType: "Contact",
		Items: []hook.Item{{ID: "item1", Data: []byte(`{"n": 12345678901234567890.10, "html": "<script>alert(1)</script>"}`)}},
	}
	b := s.Visit(hook.RoleViewer)
	require.NotContains(t, b.Get("/portal/log/"+id).Body, "1234567890")
	page := b.Get("/portal/log/" + id + "/payload")
	part := b.Get("/portal/log/"+id+"/payload", "HX-Request", "true")
	require.Contains(t, page.Body, "<html")
	require.NotContains(t, part.Body, "<html")
	for _, body := range []string{page.Body, part.Body} {
		require.Contains(t, body, "12345678901234567890.10", "as it was published")
		require.NotContains(t, body, "<script>alert")
	}
	gone := s.record(s.attempt(2, hook.FateDelivered))
	require.Contains(t, b.Get("/portal/log/"+gone+"/payload").Body, "The payload has expired")
}

// What nests deeply would grow a thousandfold with its lines indented: a payload of
// 900,000 bytes to gigabytes.
func TestWhatNestsDeeplyIsShownAsItIs(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	deep := strings.Repeat("[", 1500) + strings.Repeat("]", 1500)
	a := s.attempt(1, hook.FateDelivered, func(a *hook.Attempt) { a.Response = []byte(deep) })
	id := s.record(a)
	s.Kafka.Payloads[a.Bundle] = hook.Event{
		ID: "evt_1", Account: portaltest.Account, Type: hook.Create, ItemType: "Contact",
		Items: []hook.Item{{ID: "item1", Data: []byte(`{"n": ` + deep + `}`)}},
	}
	b := s.Visit(hook.RoleViewer)
	for _, path := range []string{"", "/payload"} {
		answer := b.Get("/portal/log/" + id + path)
		require.Contains(t, answer.Body, deep)
		require.Less(t, len(answer.Body), 100_000)
	}
}

func TestADeliveryIsSentAgain(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	a := s.attempt(1, hook.FateExhausted)
	id := s.record(a)
	s.Kafka.Payloads[a.Bundle] = hook.Event{ID: "evt_1", Account: portaltest.Account, Type: hook.Create, ItemType: "Contact"}
	b := s.Visit(hook.RoleSettings)
	require.Contains(t, b.Get("/portal/log/"+id).Body, "Send again")
	require.Regexp(t, `<input type="hidden" name="once" value="\w+"><button>`, b.Get("/portal/log/"+id).Body)
	done := b.Post("/portal/log/"+id+"/retry", url.Values{"once": {"k1"}})
	require.Equal(t, "/portal/log/"+id, done.URL.Path)
	require.Contains(t, done.Body, "It is being sent again.")
	require.Contains(t, done.Body, "portal:tick", "the page waits for what comes of it")
	require.Contains(t, b.Post("/portal/log/"+id+"/retry", url.Values{"once": {"k1"}}).Body, "It is being sent again.")
	require.Equal(t, []string{id}, s.Kafka.Reruns, "clicked twice it is sent once")
}

func TestWhatCannotBeSentAgainSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	a := s.attempt(1, hook.FateExhausted)
	id := s.record(a)
	b := s.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	b.Get("/portal/log")
	refused := b.Post("/portal/log/"+id+"/retry", nil)
	require.Equal(t, http.StatusConflict, refused.Status)
	require.Contains(t, refused.Body, "il suo contenuto è scaduto")
	s.Kafka.Payloads[a.Bundle] = hook.Event{ID: "evt_1", Account: portaltest.Account, Type: hook.Create, ItemType: "Contact"}
	require.NoError(t, revoke(s))
	refused = b.Post("/portal/log/"+id+"/retry", nil)
	require.Equal(t, http.StatusConflict, refused.Status)
	require.Contains(t, refused.Body, "il suo webhook è stato")
	require.Empty(t, s.Kafka.Reruns)
}

func TestAnExhaustedDeliveryIsDiscarded(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.record(s.attempt(1, hook.FateExhausted))
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/log")
	done := b.Post("/portal/log/"+id+"/discard", nil)
	require.Contains(t, done.Body, "It was discarded.")
	require.Contains(t, done.Body, "somebody discarded it")
	require.NotContains(t, b.Get("/portal/log?status=failed").Body, "item1")
	refused := b.Post("/portal/log/"+s.record(s.attempt(2, hook.FateRetrying))+"/discard", nil)
	require.Equal(t, http.StatusConflict, refused.Status)
	require.Contains(t, refused.Body, "Only a delivery that has failed for good")
}

func TestViewersAndStrangeFormsChangeNothing(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.record(s.attempt(1, hook.FateExhausted))
	viewer, owner := s.Visit(hook.RoleViewer), s.Visit(hook.RoleOwner)
	for _, path := range []string{"/retry", "/discard"} {
		viewer.Get("/portal/log")
		require.Equal(t, http.StatusForbidden, viewer.Post("/portal/log/"+id+path, nil).Status)
		require.Equal(t, http.StatusForbidden, owner.Post("/portal/log/"+id+path, url.Values{"token": {"none"}}).Status)
	}
	require.Empty(t, s.Kafka.Reruns)
}
