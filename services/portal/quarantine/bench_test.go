package quarantine_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

const (
	script  = `<script>alert("1")</script>`
	escaped = "&lt;script&gt;"
	event   = `{"account":"acme","eventType":"create","itemType":"Contact","items":[{"id":7,"data":{"total":12.50}}]}`
	broken  = `{"account":"acme","eventType":"made","itemType":"Contact","items":[{"id":7,"data":{"total":12.50}}]}`
	made    = `eventType must be create, update or delete, not "made"`
)

type bench struct {
	*portaltest.Installation
	t *testing.T
	n int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{Installation: portaltest.New(t), t: t}
}

// put puts a record into quarantine, a second behind the one before, and gives its id.
func (b *bench) put(account, reason, detail string, r hook.Record, change ...func(*hook.Quarantined)) string {
	b.t.Helper()
	b.n++
	at := hook.Coordinates{Topic: "quarantine", Offset: b.n}
	since := time.Date(2026, 3, 1, 12, 0, int(b.n), 0, time.UTC)
	q := hook.Quarantined{
		ID: hook.QuarantinedID(at, since), Account: account, Reason: reason, Detail: detail, Bytes: int64(len(r.Value)),
		Source: hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 70 + b.n}, At: at, State: hook.Open, CreatedAt: since,
	}
	for _, c := range change {
		c(&q)
	}
	b.Kafka.Records[q.ID] = r
	_, err := b.Store.Register(b.t.Context(), hook.Registration{Quarantined: []hook.Quarantined{q}})
	require.NoError(b.t, err)
	return q.ID
}

// bad is a record that one word mends.
func (b *bench) bad() string {
	b.t.Helper()
	return b.put(portaltest.Account, "invalid_field", made, hook.Record{
		Key: []byte("acme/Contact"), Value: []byte(broken), Headers: []hook.Header{{Name: "traceparent", Value: "00-1"}},
	})
}

func (b *bench) state(id string) hook.QuarantineState {
	b.t.Helper()
	q, err := b.Store.QuarantineEntry(b.t.Context(), portaltest.Account, id)
	require.NoError(b.t, err)
	return q.State
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

func (b *bench) contains(p portaltest.Page, texts ...string) {
	b.t.Helper()
	require.Equal(b.t, http.StatusOK, p.Status, p.Body)
	for _, text := range texts {
		require.Contains(b.t, p.Body, text)
	}
}
