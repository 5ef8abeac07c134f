package recorder_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
)

// notices reads the topic notices until so many records were there: their ids by kind,
// each as often as it was written.
func (f *fixture) notices(n int) map[hook.Notice][]string {
	f.Helper()
	fetcher := f.client.NewFetcher(bus.FetcherConfig{})
	defer fetcher.Close()
	for p := range partitions {
		fetcher.Add(bus.Notices, p, bus.FirstOffset)
	}
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	got, partition := map[hook.Notice][]string{}, bus.PartitionOf([]byte("acme"), partitions)
	for read := 0; read < n; {
		batch, err := fetcher.Poll(ctx)
		require.NoError(f, err, "%d of %d came: %v", read, n, got)
		for i := range batch.Records {
			e, err := notice.Decode(&batch.Records[i])
			require.NoError(f, err)
			require.Equal(f, "acme", e.Account)
			require.Equal(f, partition, batch.Partition, "those of an account keep their order")
			got[hook.Notice(e.ItemType)] = append(got[hook.Notice(e.ItemType)], e.ID)
			read++
		}
	}
	return got
}

// failed gives the attempts of a webhook that fails so often.
func failed(times int, webhook string) (all []hook.Attempt) {
	for n := range times {
		a := attempt(n, webhook, hook.FateRetrying)
		a.Number, a.StatusCode, a.Reason = 1, 500, hook.ReasonStatus
		all = append(all, a)
	}
	return all
}

// settled waits until it is noted that all was sent that members were told.
func (f *fixture) settled(number int64) {
	f.Helper()
	f.eventually(func() bool {
		sent, err := f.store.NoticesSent(f.Context())
		return err == nil && sent == number
	}, "what was sent is noted")
}

func TestWhatMembersAreToldIsSentOnOnce(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.subscribed("wh_ops", hook.Webhook{Notices: []hook.Notice{hook.AnyNotice}})
	_, stop := f.run()
	f.record(append(failed(50, "wh_a"), failed(50, "wh_ops")...)...)
	f.eventually(f.recorded, "the log has all")
	f.settled(10)
	stop()
	require.Equal(t, hook.Disabled, f.statusOf("wh_ops"), "as any other")
	told := f.notifications()
	require.Len(t, told, 10)

	_, stop = f.run()
	defer stop()
	f.setStatus("wh_a", hook.Active)
	a := attempt(100, "wh_a", hook.FateDelivered)
	f.record(a)
	f.settled(11)
	got := f.notices(6)
	var ids []string
	for _, n := range told {
		if n.Webhook == "wh_a" {
			ids = append([]string{n.ID}, ids...)
		}
	}
	require.Equal(t, ids[:4], got[hook.NoticeFailing], "in their order, and nothing about the operational webhook")
	require.Equal(t, ids[4:], got[hook.NoticeDisabled])
	require.Equal(t, []string{f.notifications()[0].ID}, got[hook.NoticeRecovered])
}

// A recorder that dies between the acknowledgement and its note is one whose note
// never arrives: the next one writes the same events again.
func TestARecorderThatDiesSendsTheSameNoticesAgain(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.store.noted.Store(1 << 40) // no note arrives
	_, stop := f.run()
	f.record(failed(10, "wh_a")...)
	first := f.notices(1)[hook.NoticeFailing]
	stop()
	sent, err := f.store.NoticesSent(t.Context())
	require.NoError(t, err)
	require.Zero(t, sent)

	f.store.noted.Store(0)
	_, stop = f.run()
	defer stop()
	f.settled(1)
	all := f.notices(2)[hook.NoticeFailing]
	require.Equal(t, f.notifications()[0].ID, first[0])
	for _, id := range all {
		require.Equal(t, first[0], id, "so it is the same delivery")
	}
}
