package quarantine_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

// kept is a record as it is read from the topic.
func kept(came bus.Record, reason, detail string) bus.Record {
	q := quarantine.Record(came, reason, detail)
	q.Partition, q.Offset, q.Time = 2, 17, time.Unix(1_800_000_000, 0).UTC()
	return q
}

func came(topic string, value []byte, headers ...bus.Header) bus.Record {
	return bus.Record{Topic: topic, Partition: 3, Offset: 41, Key: []byte("acme/Contact"), Value: value, Headers: headers}
}

func TestWhatWasKeptIsTakenApartAgain(t *testing.T) {
	t.Parallel()
	// Whatever upstream calls its own headers, they are not ours.
	headers := []bus.Header{
		{Key: quarantine.HeaderTopic, Value: []byte("deliveries")}, {Key: "traceparent", Value: []byte("00-…")},
		{Key: quarantine.HeaderReason, Value: []byte("defect")}, {Key: "traceparent", Value: []byte("again")},
	}
	for name, value := range map[string][]byte{"text": []byte("no JSON"), "empty": {}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := came("events.contacts", value, headers...)
			q := kept(before, "not_json", "value must be JSON")
			entry, err := quarantine.Read(&q)
			require.NoError(t, err)
			before.Time = q.Time
			require.Equal(t, quarantine.Entry{Reason: "not_json", Detail: "value must be JSON", Came: before, Bytes: int64(len(value))}, entry)
			require.Equal(t, hook.Record{Key: before.Key, Value: value, Headers: []hook.Header{
				{Name: "staffetta-topic", Value: "deliveries"}, {Name: "traceparent", Value: "00-…"},
				{Name: "staffetta-reason", Value: "defect"}, {Name: "traceparent", Value: "again"},
			}}, entry.Record())
			indexed := entry.Indexed(&q)
			require.Regexp(t, `^qrn_[0-9a-v]{26}$`, indexed.ID)
			indexed.ID = ""
			require.Equal(t, hook.Quarantined{
				Account: "acme", Reason: "not_json", Detail: "value must be JSON", Source: before.At(), At: q.At(),
				Bytes: int64(len(value)), State: hook.Open, CreatedAt: q.Time,
			}, indexed)
		})
	}
}

func TestWhatWasCutSaysSo(t *testing.T) {
	t.Parallel()
	q := kept(came("upstream.own", bytes.Repeat([]byte("x"), 15<<20), bus.Header{Key: "small", Value: []byte("x")}), "too_large", "")
	entry, err := quarantine.Read(&q)
	require.NoError(t, err)
	require.True(t, entry.Cut)
	require.EqualValues(t, 15<<20, entry.Bytes)
	require.Equal(t, []bus.Header{{Key: "small", Value: []byte("x")}}, entry.Came.Headers)
	require.True(t, entry.Record().Cut)
}

func TestWhoseAQuarantinedRecordIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ topic, reason, key, value, want string }{
		{"events.contacts", "invalid_field", "", `{"account": "acme"}`, "acme"},
		{"events.contacts", "not_json", "acme/Contact", `hello`, "acme"},
		{"upstream.own", "not_json", "", `hello`, ""},
		{"deliveries", quarantine.ReasonDefect, "acme", "…", "acme"},
		{"deliveries", quarantine.ReasonDefect, "not an account", "…", ""},
		{"deliveries", "undecodable", "acme/Contact", `{"account": "acme"}`, ""},
		{"retry.5m", "undecodable", "acme/Contact", `{"account": "acme"}`, ""},
		{"attempts", "undecodable_attempt", "acme/Contact", `{"account": "acme"}`, ""},
	} {
		q := kept(bus.Record{Topic: test.topic, Key: []byte(test.key), Value: []byte(test.value)}, test.reason, "")
		entry, err := quarantine.Read(&q)
		require.NoError(t, err)
		require.Equal(t, test.want, entry.Indexed(&q).Account, "%+v", test)
	}
}

func TestWhatSomebodyElseWroteIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	whole := kept(came("events.contacts", nil), "tombstone", "")
	for n := range whole.Headers {
		q := whole
		q.Headers = append(append([]bus.Header{}, whole.Headers[:n]...), whole.Headers[n+1:]...)
		_, err := quarantine.Read(&q)
		require.ErrorIs(t, err, quarantine.ErrForeign)
	}
	q := kept(came("events.contacts", nil), "tombstone", "")
	q.Headers[3].Value = []byte("first")
	_, err := quarantine.Read(&q)
	require.ErrorIs(t, err, quarantine.ErrForeign)
}
