package deliveries_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// evil is what receivers and publishers may send.
const evil = `"><script>alert('x')</script>`

// traces is where traces are shown.
func traces(c *portal.Config) { c.TraceURL = "https://grafana.example.com/trace/{traceId}" }

// suite is an installation with a webhook of ACME.
type suite struct {
	*portaltest.Installation
	t testing.TB
	// hook is the webhook's id.
	hook string
	// now is when events are published from.
	now time.Time
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{Installation: portaltest.New(t, traces), t: t, now: time.Now().Add(-time.Hour).Truncate(time.Second).UTC()}
	s.hook = s.webhook("Warehouse")
	return s
}

// webhook makes one; it returns its id.
func (s *suite) webhook(description string) string { return s.Webhook(portaltest.Account, description) }

// attempt is one of the nth delivery, published n seconds after the first.
func (s *suite) attempt(n int, fate hook.Fate, changes ...func(*hook.Attempt)) hook.Attempt {
	event := fmt.Sprintf("evt_%d", n)
	a := hook.Attempt{
		Number: 1, Fate: fate, Account: portaltest.Account, Webhook: s.hook, Event: event, EventType: hook.Create,
		ItemType: "Contact", Items: []string{fmt.Sprint("item", n)},
		Bundle:    hook.Coordinates{Topic: "deliveries", Offset: int64(n)},
		Source:    hook.Coordinates{Topic: "events.contacts", Offset: int64(n)},
		Published: s.now.Add(time.Duration(n) * time.Second), At: s.now.Add(time.Duration(n)*time.Second + 5*time.Millisecond),
		Duration: 12500 * time.Microsecond, URL: "https://hooks.example.com/in", StatusCode: 200, Response: []byte("ok"),
		TraceID: "0af7651916cd43dd8448eb211c80319c",
	}
	if fate != hook.FateDelivered {
		a.StatusCode, a.Reason = 500, hook.ReasonStatus
	}
	for _, change := range changes {
		change(&a)
	}
	a.Delivery = hook.DeliveryID(a.Event, a.Webhook, -1)
	return a
}

// record writes attempts into the log; it returns the id of the last one's delivery.
func (s *suite) record(attempts ...hook.Attempt) string {
	s.t.Helper()
	from, err := s.Store.NextOffset(s.t.Context(), 0)
	require.NoError(s.t, err)
	records := make([]hook.Recorded, len(attempts))
	for i, a := range attempts {
		records[i] = hook.Recorded{Offset: from + int64(i), Attempt: a}
	}
	require.NoError(s.t, s.Store.Record(s.t.Context(), []hook.Range{{From: from, To: from + int64(len(attempts)), Records: records}}))
	return attempts[len(attempts)-1].Delivery
}

// hostile is an attempt that has a script wherever somebody else writes.
func (s *suite) hostile() hook.Attempt {
	return s.attempt(1, hook.FateExhausted, func(a *hook.Attempt) {
		a.Event, a.ItemType, a.Items, a.Store = "evt"+evil, "Type"+evil, []string{"id" + evil}, "store"+evil
		a.Detail, a.Response = "detail"+evil, []byte(`{"answer":"`+`<script>alert(1)</script>`+`"}`)
		a.ResponseHeaders = []hook.Header{{Name: "X-" + evil, Value: "answered" + evil}}
		a.Request = sent.Append(nil, hook.Header{Name: "X-Sent", Value: "sent" + evil}, sent.About{Delivery: a.Delivery, TraceID: a.TraceID, At: a.At})
		a.Timing = hook.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 4 * time.Millisecond}
		a.URL, a.TraceID = "https://hooks.example.com/"+evil, "trace"+evil
	})
}
