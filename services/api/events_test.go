package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
)

func TestOneEventIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	body := `{"id": "evt_1", "eventType": "create", "itemType": "Contact", "store": "7",
		"items": [{"id": 12014, "ref": "/contacts/12014", "data": {"price": 1.50}}], "eventDate": "2023-02-02T12:07:01+01:00"}`
	taken := b.acme().with("traceparent", trace).post("/v1/events", body).requires(202)
	require.JSONEq(t, `{"items": [{"id": "evt_1"}]}`, string(taken.body))

	require.Len(t, b.kafka.taken, 1)
	e := b.kafka.taken[0]
	require.Equal(t, "acme", e.Account, "the key's")
	require.Equal(t, "2023-02-02T12:07:01+01:00", e.Date)
	require.Equal(t, `{"price": 1.50}`, string(e.Items[0].Data))
	require.Equal(t, trace[:36], e.Trace.Parent[:36], "the trace goes on")
}

func TestWhatMayBeLeftOutIsFilledIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	taken := b.acme().post("/v1/events", `{"eventType": "delete", "itemType": "Contact", "items": [{"id": "x"}]}`).requires(202)
	require.Regexp(t, `^evt_[0-9a-v]{26}$`, taken.takenIDs()[0])
	e := b.kafka.taken[0]
	require.Equal(t, taken.takenIDs()[0], e.ID)
	date, err := time.Parse(time.RFC3339, e.Date)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), date, time.Minute)
}

func TestAnArrayIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const good = `{"eventType": "create", "itemType": "Contact", "items": [{"id": 1}]}`
	require.Len(t, b.acme().post("/v1/events", "["+good+","+good+"]").requires(202).takenIDs(), 2)
	require.Len(t, b.kafka.taken, 2)

	refused := b.acme().post("/v1/events", "["+good+`, {"eventType": "created", "itemType": "Contact", "items": []}]`).requires(422)
	require.Equal(t, []string{
		"[1].eventType: must be create, update or delete (created)",
		"[1].items: must be an array of 1 to 10000 items",
	}, refused.faults())
	require.Len(t, b.kafka.taken, 2, "nothing of it")

	require.Len(t, b.acme().post("/v1/events", "["+good+strings.Repeat(","+good, 999)+"]").requires(202).takenIDs(), 1000)
	require.Equal(t, []string{"body: must have 1 to 1000 events (more than 1000 events)"},
		b.acme().post("/v1/events", "["+good+strings.Repeat(","+good, 1000)+"]").requires(422).faults())
	require.Equal(t, []string{"body: must have 1 to 1000 events (0 events)"}, b.acme().post("/v1/events", "[]").requires(422).faults())
}

func TestAnEventOfAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const body = `{"account": "%", "eventType": "create", "itemType": "Contact", "items": [{"id": 1}]}`
	b.acme().post("/v1/events", strings.Replace(body, "%", "acme", 1)).requires(202)
	require.Equal(t, []string{"account: must be the account of the key (other)"},
		b.acme().post("/v1/events", strings.Replace(body, "%", "other", 1)).requires(422).faults())
	b.as(adminKey).with("Staffetta-Account", "acme").post("/v1/events", strings.Replace(body, "%", "acme", 1)).requires(202)
}

func TestABodyThatIsNoEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme().post("/v1/events", `{"eventType": `).requires(400)
	b.acme().post("/v1/events", `[{"eventType": ]`).requires(400)
	b.acme().post("/v1/events", ``).requires(400)
	require.Equal(t, []string{
		"account: must be a string (7)",
		"eventType: must be create, update or delete",
		"itemType: must be 1 to 100 printable characters",
		"items: must be an array of 1 to 10000 items",
	}, b.acme().post("/v1/events", `{"account": 7}`).requires(422).faults())
	b.acme().post("/v1/events", strings.Repeat(" ", 16<<20)).requires(413)
	require.Empty(t, b.kafka.taken)
}

func TestNothingIsPromisedBeforeKafkaAcknowledges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.kafka.down = errors.New("no broker answers at 10.0.0.7")
	refused := b.acme().post("/v1/events", `{"eventType": "create", "itemType": "Contact", "items": [{"id": 1}]}`).requires(503)
	require.NotContains(t, string(refused.body), "10.0.0.7")
}

func TestAnEventThatWasNotAcknowledgedCanBeSentAgainWithItsID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.kafka.down = context.DeadlineExceeded
	const body = `[{"id": "evt_1", "eventType": "create", "itemType": "Contact", "items": [{"id": 1}]},
		{%"eventType": "create", "itemType": "Contact", "items": [{"id": 2}]}]`
	refused := b.acme().post("/v1/events", strings.Replace(body, "%", "", 1)).requires(503)
	require.Equal(t, "application/problem+json", refused.header.Get("Content-Type"))
	require.Equal(t, "Service Unavailable", refused.text("title"))
	var given struct{ Items []struct{ ID string } }
	require.NoError(t, json.Unmarshal(refused.body, &given))
	require.Len(t, given.Items, 2)
	require.Equal(t, "evt_1", given.Items[0].ID)
	require.Regexp(t, `^evt_[0-9a-v]{26}$`, given.Items[1].ID)

	b.kafka.down = nil
	again := b.acme().post("/v1/events", strings.Replace(body, "%", `"id": "`+given.Items[1].ID+`", `, 1)).requires(202)
	require.Equal(t, []string{"evt_1", given.Items[1].ID}, again.takenIDs())
}

func TestNoMoreOfAnArrayIsReadThanIsAllowed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// The end, which is no JSON, is not reached.
	body := "[0" + strings.Repeat(",0", 8<<20-10) + ",}"
	require.Equal(t, []string{"body: must have 1 to 1000 events (more than 1000 events)"},
		b.acme().post("/v1/events", body).requires(422).faults())
	b.acme().post("/v1/events", "[0,0,}").requires(400)
	b.acme().post("/v1/events", "[0,0] 0").requires(400)
	b.acme().post("/v1/events", "[0,\"\xff\"]").requires(400)
}

func TestAnEventAtTheLimitIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sized := func(head string) string {
		head += `"eventType":"create","itemType":"Contact","items":[{"id":1,"data":"`
		const tail = `"}]}`
		return head + strings.Repeat("x", codec.MaxBytes-len(head)-len(tail)) + tail
	}
	whole := sized(`{"id":"evt_1","account":"acme","eventDate":"2023-02-02T12:07:01Z",`)
	b.acme().post("/v1/events", whole).requires(202)
	require.Equal(t, codec.MaxBytes, b.kafka.largest)
	b.acme().post("/v1/events", "["+whole+","+whole+"]").requires(202)

	const rule = " must have at most 900000 bytes, with the id, account, eventDate and English item types that are filled in"
	require.Regexp(t, `^value:`+rule+` \(900\d\d\d bytes\)$`, b.acme().post("/v1/events", sized(`{`)).requires(422).faults()[0])
	require.Regexp(t, `^\[1\].value:`+rule, b.acme().post("/v1/events", "["+whole+","+sized(`{`)+"]").requires(422).faults()[0])
	b.acme().post("/v1/events", whole[:len(whole)-4]+`x"}]}`).requires(422)
}

func TestOneAnswerNamesTwentyFaultsAtMost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	faults := b.acme().post("/v1/events", "[0"+strings.Repeat(",0", 999)+"]").requires(422).faults()
	require.Len(t, faults, 20)
	require.Equal(t, "[19].value: must be a JSON object (0)", faults[19])
}

func TestLargeBodiesWaitForTheirTurnAndSmallOnesDoNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const event = `{"eventType": "create", "itemType": "Contact", "items": [{"id": 1}]}`
	b.acme().post("/v1/events", event).requires(202) // so the key is known without the store
	publish := func(ctx context.Context, body io.Reader) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/events", body) // of unknown length
		r.Header = b.acme().header.Clone()
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		return w.Code
	}

	const turns = 8
	begun, gate, codes := make(chan struct{}, turns), make(chan struct{}), make(chan int, turns)
	for range turns {
		go func() {
			body := &gated{Reader: strings.NewReader(event), begun: begun, gate: gate}
			codes <- publish(t.Context(), body)
		}()
	}
	for range turns {
		<-begun
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	one := &gated{Reader: strings.NewReader(event), begun: make(chan struct{}, 1), gate: gate}
	require.Equal(t, 503, publish(gone, one))
	require.Empty(t, one.begun, "nothing of it was read")
	b.acme().post("/v1/events", event).requires(202)

	close(gate)
	for range turns {
		require.Equal(t, 202, <-codes)
	}
	require.Equal(t, 202, publish(t.Context(), one), "there is room again")
}

// gated is a body that says when it is read, and waits.
type gated struct {
	io.Reader
	begun chan<- struct{}
	gate  <-chan struct{}
	once  sync.Once
}

func (g *gated) Read(p []byte) (int, error) {
	g.once.Do(func() { g.begun <- struct{}{} })
	<-g.gate
	return g.Reader.Read(p)
}

// takenIDs are those of the events that were taken.
func (a answer) takenIDs() []string {
	a.t.Helper()
	a.requires(http.StatusAccepted)
	a.code = http.StatusOK
	return a.ids()
}
