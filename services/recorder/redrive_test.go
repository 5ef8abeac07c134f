package recorder_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

// spoilt is an event that lacks its type, with data that no reader may touch.
func spoilt(n int) string {
	return fmt.Sprintf(`{ "id":"evt_%05d", "account" : "acme","eventType":"made", "itemType":"Contact",`+
		`"items":[ {"id":%d, "data":{ "total":12.50,"big":12345678901234567890.10,"e":1E5, "s":"<è\u00e8>&" } } ] }`, n, n)
}

const mendsType = `{"eventType": "create"}`

// mendedOf is what becomes of spoilt with mendsType.
func mendedOf(n int) string { return strings.Replace(spoilt(n), `"made"`, `"create"`, 1) }

// rejects puts records of events.contacts into quarantine, of one account and reason.
func (f *fixture) rejects(values ...string) {
	f.Helper()
	records := make([]bus.Record, len(values))
	for n, value := range values {
		records[n] = quarantine.Record(bus.Record{
			Topic: "events.contacts", Partition: n % partitions, Offset: int64(n), Key: []byte("acme/Contact"), Value: []byte(value),
			Headers: []bus.Header{{Key: "traceparent", Value: fmt.Append(nil, n)}},
		}, "invalid_field", "why")
	}
	require.NoError(f, f.producer.ProduceSync(f.Context(), records...))
}

// redrive asks for one of all that is open of a reason.
func (f *fixture) redrive(id string, edit ...func(*hook.Redrive)) hook.Redrive {
	f.Helper()
	r := hook.Redrive{ID: id, Account: "acme", Reason: "invalid_field", Rate: hook.MaxRedriveRate}
	for _, e := range edit {
		e(&r)
	}
	r, err := f.store.CreateRedrive(f.Context(), r)
	require.NoError(f, err)
	return r
}

func patched(r *hook.Redrive) { r.Patch = mendsType }

func (f *fixture) redriven(id string, state hook.RedriveState) (r hook.Redrive) {
	f.Helper()
	f.eventually(func() bool {
		var err error
		r, err = f.store.Redrive(f.Context(), "", id)
		require.NoError(f, err)
		return r.State == state
	}, "the redrive is "+string(state))
	return r
}

// arrived reads at least n records of events.contacts, and all that there are.
func (f *fixture) arrived(n int) map[string]int {
	f.Helper()
	fetcher := f.client.NewFetcher(bus.FetcherConfig{})
	defer fetcher.Close()
	for p := range partitions {
		fetcher.Add("events.contacts", p, bus.FirstOffset)
	}
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	values := make(map[string]int)
	for all := 0; all < max(n, f.onTopic()); {
		batch, err := fetcher.Poll(ctx)
		require.NoError(f, err, "%d of %d arrived", all, n)
		for _, r := range batch.Records {
			require.Equal(f, "acme/Contact", string(r.Key))
			require.Len(f, r.Headers, 1, "as it came, without ours")
			values[string(r.Value)]++
			all++
		}
	}
	return values
}

// onTopic is how many records events.contacts has.
func (f *fixture) onTopic() (n int) {
	f.Helper()
	ends, err := f.client.EndOffsets(f.Context(), "events.contacts")
	require.NoError(f, err)
	for _, end := range ends {
		n += int(end)
	}
	return n
}

// open is what nobody has sent or discarded.
func (f *fixture) open() []hook.Quarantined {
	f.Helper()
	open, _, err := f.store.QuarantineEntries(f.Context(), "", hook.QuarantineFilter{State: hook.Open}, hook.Page{Limit: 500})
	require.NoError(f, err)
	return open
}

func (f *fixture) account(id string) {
	f.Helper()
	_, err := f.store.CreateAccount(f.Context(), hook.Account{ID: id, Name: id})
	require.NoError(f, err)
}

// "1,000 quarantined records of one reason are mended and sent again in one call, killed
// in the middle: each arrives once or more, none is missed."
func TestOfAThousandMendedRecordsNoneIsMissedWhenTheRecorderIsKilled(t *testing.T) {
	f := newFixture(t)
	f.account("acme")
	const all = 1000
	values := make([]string, all)
	for n := range values {
		values[n] = spoilt(n)
	}
	f.rejects(values...)
	_, stop := f.run()
	f.eventually(f.registered, "all are listed")
	r := f.redrive("qrd_1", patched)
	require.EqualValues(t, all, r.Progress.Total)
	// Each time it dies when Kafka has taken a chunk that nobody has noted.
	const kills = 4
	for kill := range kills {
		f.store.killAfter(kill)
		if kill > 0 {
			_, stop = f.run()
		}
		<-f.store.killed
		stop()
		r, err := f.store.Redrive(t.Context(), "acme", r.ID)
		require.NoError(t, err)
		require.Equal(t, hook.RedriveRunning, r.State)
		require.Less(t, int(r.Progress.Sent), f.onTopic(), "of some it is not known that they were sent")
	}
	f.store.killAfter(-1)
	f.run()
	r = f.redriven(r.ID, hook.RedriveDone)
	require.EqualValues(t, all, r.Progress.Sent)
	require.EqualValues(t, all, r.Progress.Done)
	require.EqualValues(t, all, r.Progress.Total)
	require.Empty(t, r.Progress.Failed)

	arrived, total := f.arrived(all), f.onTopic()
	require.Len(t, arrived, all)
	for n := range all {
		require.Contains(t, arrived, mendedOf(n), "byte for byte")
	}
	require.Greater(t, total, all, "what was not noted is sent again")
	require.LessOrEqual(t, total, all+kills*100, "and no more than a chunk each time")
	require.Empty(t, f.open())
}

func TestWhatStaysBadIsCountedAndStaysOpen(t *testing.T) {
	f := newFixture(t)
	f.account("acme")
	f.rejects(
		spoilt(0), "hello", `{"account":"acme"}`, spoilt(3),
		strings.Replace(spoilt(4), `"itemType":"Contact",`, "", 1),
	)
	large := quarantine.Record(bus.Record{
		Topic: "events.contacts", Partition: 1, Offset: 77, Key: []byte("acme/Contact"), Value: make([]byte, 15<<20),
	}, "invalid_field", "why")
	nowhere := quarantine.Record(bus.Record{
		Topic: "events.gone", Offset: 1, Key: []byte("acme/Contact"), Value: []byte(spoilt(5)),
	}, "invalid_field", "why")
	beyond := nowhere
	beyond.Headers = append([]bus.Header{}, nowhere.Headers...)
	beyond.Headers[2].Value, beyond.Headers[3].Value = []byte("events.contacts"), []byte("99")
	require.NoError(t, f.producer.ProduceSync(t.Context(), large, nowhere, beyond))
	f.run()
	f.eventually(f.registered, "all are listed")
	expired := f.entries()[0]
	expired.At.Offset, expired.CreatedAt = 1<<40, start
	expired.ID = hook.QuarantinedID(expired.At, expired.CreatedAt)
	_, err := f.store.Register(t.Context(), hook.Registration{Quarantined: []hook.Quarantined{expired}})
	require.NoError(t, err)

	f.redrive("qrd_1", patched)
	r := f.redriven("qrd_1", hook.RedriveDone)
	require.EqualValues(t, 9, r.Progress.Done)
	require.EqualValues(t, 2, r.Progress.Sent)
	require.Equal(t, map[string]int64{"not_json": 1, "invalid_field": 2, "record_cut": 1, "no_topic": 2, "record_expired": 1}, r.Progress.Failed)
	require.Equal(t, map[string]int{mendedOf(0): 1, mendedOf(3): 1}, f.arrived(2))
	require.Len(t, f.open(), 7)

	f.redrive("qrd_2", func(r *hook.Redrive) { r.Patch = `{"account": "other", "eventType": "create", "itemType": "Contact"}` })
	r = f.redriven("qrd_2", hook.RedriveDone)
	require.Equal(t, map[string]int64{"not_json": 1, "other_account": 3, "record_cut": 1, "invalid_field": 1, "record_expired": 1}, r.Progress.Failed)
	require.Equal(t, 2, f.onTopic(), "nothing of another account's")
}

func TestWithoutAPatchRecordsGoAsTheyCame(t *testing.T) {
	f := newFixture(t)
	f.account("acme")
	f.rejects("hello", spoilt(1), "")
	f.run()
	f.eventually(f.registered, "all are listed")
	f.redrive("qrd_1")
	r := f.redriven("qrd_1", hook.RedriveDone)
	require.EqualValues(t, 3, r.Progress.Sent)
	require.Equal(t, map[string]int{"hello": 1, spoilt(1): 1, "": 1}, f.arrived(3))

	// They are bad still, and come back.
	f.rejects("hello", spoilt(1), "")
	f.eventually(func() bool { return f.registered() && len(f.entries()) == 6 }, "they are listed anew")
	f.redrive("qrd_2", func(r *hook.Redrive) { r.Rate = 10 })
	f.arrived(4)
	f.rejects("hello", "hello", "hello")
	r = f.redriven("qrd_2", hook.RedriveDone)
	require.EqualValues(t, 3, r.Progress.Done, "what comes while it runs, it does not mean")
	require.Equal(t, 6, f.onTopic())
}

func TestACancelledRedriveStopsAndWhatIsLeftIsOpen(t *testing.T) {
	f := newFixture(t)
	f.account("acme")
	const all = 60
	values := make([]string, all)
	for n := range values {
		values[n] = spoilt(n)
	}
	f.rejects(values...)
	f.run()
	f.eventually(f.registered, "all are listed")
	f.redrive("qrd_1", patched, func(r *hook.Redrive) { r.Rate = 10 })
	f.arrived(3)
	_, err := f.store.CancelRedrive(t.Context(), "acme", "qrd_1")
	require.NoError(t, err)
	// Before the next one ends the first one has: who runs them ends what is cancelled first.
	f.redrive("qrd_2", patched)
	second := f.redriven("qrd_2", hook.RedriveDone)
	first := f.redriven("qrd_1", hook.RedriveCancelled)
	require.GreaterOrEqual(t, first.Progress.Sent, int64(3))
	require.Less(t, first.Progress.Sent, int64(all))
	require.Positive(t, second.Progress.Sent)
	require.Len(t, f.arrived(all), all, "between them they sent all")
	require.LessOrEqual(t, f.onTopic(), all+2, "and what was under way, perhaps twice")
}

// Nothing in quarantine ever blocks a flow.
func TestARedriveWaitsForKafkaAndHoldsUpNobody(t *testing.T) {
	data := t.TempDir()
	f, kafka := newFixtureOn(t, embedded.KafkaConfig{DataDir: data})
	f.account("acme")
	const all = 40
	values := make([]string, all)
	for n := range values {
		values[n] = spoilt(n)
	}
	f.rejects(values...)
	f.run()
	f.eventually(f.registered, "all are listed")
	f.redrive("qrd_1", patched, func(r *hook.Redrive) { r.Rate = 8 })
	f.arrived(2)
	f.record(attempt(1, "wh_a", hook.FateDelivered))
	f.eventually(f.recorded, "the log goes on")
	require.Equal(t, hook.RedriveRunning, f.redriven("qrd_1", hook.RedriveRunning).State, "beside a redrive")

	kafka.Close()
	before := f.redriven("qrd_1", hook.RedriveRunning).Progress.Done
	require.Less(t, int(before), all)
	again, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: data, Listen: f.brokers[0]})
	require.NoError(t, err)
	t.Cleanup(again.Close)
	r := f.redriven("qrd_1", hook.RedriveDone)
	require.EqualValues(t, all, r.Progress.Sent)
	require.Len(t, f.arrived(all), all)
	f.record(attempt(2, "wh_a", hook.FateDelivered))
	f.eventually(f.recorded, "the log goes on")
}

func TestRedrivesOfAccountsRunSideBySide(t *testing.T) {
	f := newFixture(t)
	f.account("acme")
	f.account("other")
	values := []string{strings.Replace(spoilt(0), "acme", "other", 1)}
	for n := range 60 { // a minute's
		values = append(values, spoilt(n+1))
	}
	f.rejects(values...)
	f.run()
	f.eventually(f.registered, "all are listed")
	f.redrive("qrd_slow", patched, func(r *hook.Redrive) { r.Rate = 1 })
	f.redrive("qrd_other", patched, func(r *hook.Redrive) { r.Account = "other" })
	r := f.redriven("qrd_other", hook.RedriveDone)
	require.EqualValues(t, 1, r.Progress.Sent)
	require.Equal(t, hook.RedriveRunning, f.redriven("qrd_slow", hook.RedriveRunning).State)
}
