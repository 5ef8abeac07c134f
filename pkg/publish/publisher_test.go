package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/publish"
	"github.com/staffetta/staffetta/pkg/retry"
)

func TestAPublishedEventIsThereAsTheRouterExpectsIt(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	sent := publish.Event{
		ID: "e1", Account: "acme", Store: "7", User: &publish.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
		Type: publish.Create, ItemType: "Contatto", Date: "2023-02-02T12:07:01+01:00",
		Items: []publish.Item{{
			ID: "12014", Ref: "/contacts/12014", Version: new(int64(3)), Data: []byte(`{"name":"Mario","total":1.10}`),
			Parent: &publish.Reference{ID: "12792", ItemType: "Equipment", Ref: "/equipment/12792"},
		}},
	}
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 1})
	require.NoError(t, k.publisher(publish.Config{}).Publish(trace.ContextWithRemoteSpanContext(patient(t), span), k.topic, sent))

	record := k.read(1)[0]
	require.Equal(t, "acme/Contact", string(record.Key), "the English name, as the router has it")
	headers := map[string]string{}
	for _, h := range record.Headers {
		headers[h.Key] = string(h.Value)
	}
	require.Equal(t, map[string]string{
		"content-type": "application/json",
		"traceparent":  "00-01000000000000000000000000000000-0200000000000000-01",
	}, headers)

	got, err := codec.Decode(codec.Input{
		Value:  record.Value,
		Header: func(name string) ([]byte, bool) { value, ok := headers[name]; return []byte(value), ok },
	})
	require.NoError(t, err)
	require.Equal(t, headers["traceparent"], got.Trace.Parent)
	got.Trace, sent.ItemType = publish.Trace{}, "Contact"
	require.Equal(t, sent, got)
}

func TestThePartitionOfAKeyIsThatOfOtherClients(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	other, err := kgo.NewClient(kgo.SeedBrokers(k.brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	require.NoError(t, err)
	defer other.Close()
	p := k.publisher(publish.Config{})
	const keys = 20
	for n := range keys {
		e := contact("1")
		e.Account = fmt.Sprint("account-", n)
		require.NoError(t, p.Publish(patient(t), k.topic, e))
		require.NoError(t, other.ProduceSync(patient(t), &kgo.Record{Topic: k.topic, Key: []byte(e.Account + "/Contact")}).FirstErr())
	}
	at := map[string]map[int32]bool{}
	for _, r := range k.read(2 * keys) {
		if at[string(r.Key)] == nil {
			at[string(r.Key)] = map[int32]bool{}
		}
		at[string(r.Key)][r.Partition] = true
	}
	require.Len(t, at, keys)
	for key, its := range at {
		require.Len(t, its, 1, key)
	}
}

func TestWhatTheRouterWouldRefuseIsNotSent(t *testing.T) {
	t.Parallel()
	// No broker: a test that sent something would not end.
	p, err := publish.Dial(publish.Config{Brokers: []string{"127.0.0.1:1"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close(patient(t))) }()
	large := contact("7")
	large.Items[0].Data, err = json.Marshal(strings.Repeat("x", codec.MaxBytes))
	require.NoError(t, err)
	for says, e := range map[string]publish.Event{
		`account must be 1 to 64 characters of A-Z a-z 0-9 . _ -, not "a b"; eventType must be create, update or delete, not "made"; ` +
			`itemType must be 1 to 100 printable characters; items must be an array of 1 to 10000 items`: {Account: "a b", Type: "made"},
		`items[0].id must be an integer or a string of 1 to 256 bytes without control characters`: contact(""),
		`items[0].data must be JSON: at byte 0 there must be null, not "name"`: {
			Account: "acme", Type: publish.Create, ItemType: "Contact", Items: []publish.Item{{ID: "7", Data: []byte("name")}}},
		`eventDate must be a time as in RFC 3339, such as 2023-02-02T12:07:01+01:00, not "today"`: {
			Account: "acme", Type: publish.Create, ItemType: "Contact", Date: "today", Items: []publish.Item{{ID: "7"}}},
		`value must have at most 900000 bytes, not "900`: large,
	} {
		err := p.Publish(patient(t), "events.contacts", e)
		var reject *publish.Reject
		require.ErrorAs(t, err, &reject)
		require.ErrorContains(t, err, says)
		require.NotEmpty(t, reject.Faults[0].Field)
	}
	for _, topic := range []string{"", "events contacts", "..", "deliveries", retry.Tiers[0].Topic, "__consumer_offsets"} {
		err := p.Publish(patient(t), topic, contact("7"))
		var invalid hook.Invalid
		require.ErrorAs(t, err, &invalid, topic)
		require.Equal(t, "topic", invalid[0].Field)
		require.Equal(t, topic, invalid[0].Value)
	}
}

func TestABatchGoesOutInOrderAndItsEventsHaveIDsToRepeatThemBy(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	events := make([]publish.Event, 100)
	for i := range events {
		events[i] = contact(fmt.Sprint(i))
	}
	p := k.publisher(publish.Config{})
	require.NoError(t, p.PublishAll(patient(t), k.topic, events))
	for i, r := range k.read(len(events)) {
		e, err := codec.Decode(codec.Input{Value: r.Value})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i), e.Items[0].ID)
		require.Equal(t, events[i].ID, e.ID)
		require.NotEmpty(t, e.ID)
		require.Equal(t, events[i].Date, e.Date)
	}
	require.NoError(t, p.PublishAll(patient(t), k.topic, nil))
}

func TestOfABatchWithABadEventNothingIsSent(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	p := k.publisher(publish.Config{})
	bad := contact("1")
	bad.Type = "made"
	err := p.PublishAll(patient(t), k.topic, []publish.Event{contact("0"), bad})
	var reject *publish.Reject
	require.ErrorAs(t, err, &reject)
	require.EqualError(t, err, `publish: [1].eventType must be create, update or delete, not "made"`)

	require.NoError(t, p.Publish(patient(t), k.topic, contact("2")))
	require.Contains(t, string(k.read(1)[0].Value), "/contacts/2")
}

func TestWhatKafkaRefusesOfABatchIsNamedAndTheRestIsThere(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	k.topic += "-small"
	k.create(k.topic, 2000)
	large := contact("1")
	large.Items[0].Data = []byte(`"` + strings.Repeat("x", 4000) + `"`)
	err := k.publisher(publish.Config{}).PublishAll(patient(t), k.topic, []publish.Event{contact("0"), large, contact("2")})
	var part *publish.Unpublished
	require.ErrorAs(t, err, &part)
	require.Equal(t, 3, part.Of)
	require.Len(t, part.Errors, 1)
	require.ErrorIs(t, part.Errors[1], publish.ErrRefused)
	require.ErrorIs(t, err, publish.ErrRefused)
	require.ErrorContains(t, err, "1 of 3 events are not known to be published, the first [1]: event ")
	require.Len(t, k.read(2), 2)
}

func TestATopicThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	err := k.publisher(publish.Config{}).Publish(patient(t), k.topic+"-missing", contact("1"))
	require.ErrorIs(t, err, publish.ErrTopic)
	require.ErrorContains(t, err, k.topic+"-missing")
}

func TestPublishingEndsWithItsContextWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	k := kafka{T: t, brokers: []string{server.Addr()}, topic: "events.away"}
	k.create(k.topic, 1<<20)
	p := k.publisher(publish.Config{})
	require.NoError(t, p.Publish(patient(t), k.topic, contact("0")))
	require.NoError(t, p.Ping(patient(t)))

	server.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	published := make(chan error, 1)
	go func() { published <- p.Publish(ctx, k.topic, contact("1")) }()
	cancel(enough)
	err = <-published
	require.True(t, errors.Is(err, enough) || errors.Is(err, context.Canceled), "%v", err)

	// What was taken goes out when Kafka is back, in order; Close waits for it.
	late := make(chan error, 2)
	for range 2 {
		require.NoError(t, p.Produce(patient(t), publish.Message{Topic: k.topic, Key: "a/b", Value: []byte("{}")}, func(err error) { late <- err }))
	}
	require.NoError(t, server.Restart())
	require.NoError(t, p.Close(patient(t)))
	require.NoError(t, <-late)
	require.NoError(t, <-late)
}

func TestCloseFlushesAndThenNothingIsTaken(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	p := k.publisher(publish.Config{Linger: time.Hour})
	answered := make(chan error, 1)
	require.NoError(t, p.Produce(patient(t), publish.Message{Topic: k.topic, Key: "acme/Contact", Value: []byte("{}")},
		func(err error) { answered <- err }))
	require.NoError(t, p.Close(patient(t)))
	require.NoError(t, <-answered)
	k.read(1)
	require.ErrorIs(t, p.Publish(patient(t), k.topic, contact("1")), publish.ErrClosed)
}

func TestAConfigurationErrorNamesEveryFaultAndNoPassword(t *testing.T) {
	t.Parallel()
	_, err := publish.Dial(publish.Config{
		Brokers: []string{"kafka"}, Linger: -time.Second, MaxBufferedBytes: -1,
		SASL: &publish.SASL{Mechanism: "GSSAPI", Password: "hidden"},
	})
	require.EqualError(t, err, `publish: brokers[0] must be host:port, not "kafka"; `+
		`sasl.mechanism must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, not "GSSAPI"; sasl.username must not be empty; `+
		`linger must not be negative, not "-1s"; maxBufferedBytes must not be negative`)
	var invalid hook.Invalid
	require.ErrorAs(t, err, &invalid)
	_, err = publish.Dial(publish.Config{SASL: &publish.SASL{Mechanism: "SCRAM-SHA-512", Username: "me", Password: "hid\u0007den"}})
	require.ErrorContains(t, err, "brokers must name at least one host:port; sasl must have")
	require.NotContains(t, err.Error(), "den")
}
