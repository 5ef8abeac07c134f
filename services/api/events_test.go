package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
	require.Equal(t, []string{"body: must have 1 to 1000 events (1001 events)"},
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

// takenIDs are those of the events that were taken.
func (a answer) takenIDs() []string {
	a.t.Helper()
	a.requires(http.StatusAccepted)
	a.code = http.StatusOK
	return a.ids()
}
