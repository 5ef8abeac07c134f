package quarantine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

func header(t *testing.T, r bus.Record, key string) string {
	t.Helper()
	value, ok := r.Header(key)
	require.True(t, ok, key)
	return string(value)
}

func TestARecordIsKeptAsItCameWithItsReason(t *testing.T) {
	t.Parallel()
	came := bus.Record{
		Topic: "events.contacts", Partition: 3, Offset: 41, Key: []byte("acme/Contact"), Value: []byte("no JSON"),
		Headers: []bus.Header{{Key: "traceparent", Value: []byte("00-…")}},
	}
	q := quarantine.Record(came, "not_json", "value must be JSON")
	require.Equal(t, bus.Quarantine, q.Topic)
	require.Equal(t, came.Key, q.Key)
	require.Equal(t, came.Value, q.Value)
	require.Equal(t, "not_json", header(t, q, quarantine.HeaderReason))
	require.Equal(t, "value must be JSON", header(t, q, quarantine.HeaderDetail))
	require.Equal(t, "events.contacts", header(t, q, quarantine.HeaderTopic))
	require.Equal(t, "3", header(t, q, quarantine.HeaderPartition))
	require.Equal(t, "41", header(t, q, quarantine.HeaderOffset))
	require.Equal(t, "00-…", header(t, q, "traceparent"))
}

func TestATombstoneStaysOne(t *testing.T) {
	t.Parallel()
	q := quarantine.Record(bus.Record{Key: []byte("k")}, "tombstone", "")
	require.Nil(t, q.Value)
}

func TestARecordTooLargeForTheTopicIsCutAndSaysHowLargeItWas(t *testing.T) {
	t.Parallel()
	came := bus.Record{
		Value:   make([]byte, 15<<20),
		Headers: []bus.Header{{Key: "large", Value: make([]byte, 1<<20)}, {Key: "small", Value: []byte("x")}},
	}
	q := quarantine.Record(came, "too_large", strings.Repeat("x", 1<<20))
	require.Len(t, q.Value, 64<<10)
	require.Equal(t, "15728640", header(t, q, quarantine.HeaderBytes))
	require.Len(t, header(t, q, quarantine.HeaderDetail), 4<<10)
	require.Equal(t, "x", header(t, q, "small"))
	_, ok := q.Header("large")
	require.False(t, ok)
}
