package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

func attempt() hook.Attempt {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_123_000, time.UTC)
	return hook.Attempt{
		Delivery: "dlv_1", Run: 17, Step: 3, Number: 2,
		Fate: hook.FateRetrying, Reason: hook.ReasonThrottled, Detail: "503 Service Unavailable",
		Account: "acme", Webhook: "wh_1", Store: "7",
		Event: "evt_1", EventType: hook.Update, ItemType: "Contact", Items: []string{"1", "due"},
		Bundle:    hook.Coordinates{Topic: "deliveries", Partition: 3, Offset: 99},
		Source:    hook.Coordinates{Topic: "events.contacts", Partition: 1, Offset: 7},
		Published: at.Truncate(time.Millisecond).Add(-time.Second),
		At:        at, Duration: 1500 * time.Microsecond,
		URL: "https://example.com/hook", StatusCode: 503, Response: []byte("busy\x00\xff"),
		Due: at.Truncate(time.Millisecond).Add(time.Minute), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		ResponseHeaders: []hook.Header{{Name: "Retry-After", Value: "5"}},
		SupersededBy:    "dlv_2",
		Timing:          hook.Timing{DNS: time.Microsecond, Connect: 2 * time.Microsecond, TLS: time.Second, FirstByte: time.Minute},
		Request:         []byte{1, 0, 255},
		Volley:          1_793_000_000_000_003, Opening: 1_793_000_000_000_004,
	}
}

func TestAnAttemptComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, fate := range []hook.Fate{
		hook.FateDelivered, hook.FateRetrying, hook.FateExhausted, hook.FateHeld,
		hook.FateDropped, hook.FateCancelled, hook.FateSuperseded, hook.FatePending,
	} {
		want := attempt()
		want.Fate = fate
		got, err := journal.Decode(journal.Encode(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestAbsentTimesStayAbsent(t *testing.T) {
	t.Parallel()
	want := hook.Attempt{Delivery: "dlv_1", Account: "acme", Webhook: "wh_1", Fate: hook.FateDropped}
	got, err := journal.Decode(journal.Encode(want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestTextThatIsNotUTF8IsMadeSo(t *testing.T) {
	t.Parallel()
	a := attempt()
	a.Detail, a.Items = "malformed answer \xff\xfe", []string{"\xffid"}
	got, err := journal.Decode(journal.Encode(a))
	require.NoError(t, err)
	require.Equal(t, "malformed answer \uFFFD", got.Detail)
	require.Equal(t, []string{"\uFFFDid"}, got.Items)
}

func TestARecordThatCannotBeLoggedIsRefused(t *testing.T) {
	t.Parallel()
	_, err := journal.Decode([]byte("not protobuf"))
	require.Error(t, err)

	value, err := proto.Marshal(&deliveryv1.Attempt{Delivery: "dlv_1", Run: -1, Step: -2, Number: -3, Fate: 99})
	require.NoError(t, err)
	_, err = journal.Decode(value)
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	fields := make([]string, len(faults))
	for i, f := range faults {
		fields[i] = f.Field
	}
	require.Equal(t, []string{"account", "webhook", "fate", "run", "step", "number"}, fields)
	_, err = journal.Decode(nil)
	require.ErrorAs(t, err, &faults, "an empty record (a tombstone) names its faults too")
}

func TestAMarkerIsNoAttempt(t *testing.T) {
	t.Parallel()
	want := hook.Marker{Account: "acme", Webhook: "wh_1", Version: 7}
	_, err := journal.Decode(journal.EncodeMarker(want))
	var marker *journal.MarkerError
	require.ErrorAs(t, err, &marker)
	require.Equal(t, want, marker.Marker)
}
