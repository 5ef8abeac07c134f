package router_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
	"github.com/staffetta/staffetta/pkg/quarantine"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// operational is an account with an ordinary webhook for everything and two operational ones.
func operational() hook.AccountState {
	return hook.AccountState{Account: hook.Account{ID: "acme"}, Webhooks: []hook.Webhook{
		{ID: "wh_changes", ItemTypes: []string{hook.AnyItemType, string(hook.NoticeDisabled)}, EventTypes: hook.EventTypes},
		{ID: "wh_all", Notices: []hook.Notice{hook.AnyNotice}},
		{ID: "wh_quota", Notices: []hook.Notice{hook.NoticeQuota, hook.NoticeExpiring}},
	}}
}

func notification(id string, kind hook.Notice) hook.Notification {
	return hook.Notification{ID: id, Account: "acme", Notice: kind, CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// bundled reads deliveries until so many came: who gets which event.
func (f *fixture) bundled(n int) map[string][]string {
	f.Helper()
	reader, got, count := f.reader(bus.Deliveries), map[string][]string{}, 0
	for count < n {
		for _, r := range f.next(reader) {
			var b deliveryv1.Bundle
			require.NoError(f, proto.Unmarshal(r.Value, &b))
			id := b.GetChange().GetEvent().GetId()
			got[id] = append(got[id], b.GetWebhooks()...)
			count += len(b.GetWebhooks())
		}
	}
	return got
}

func TestNoticesGoToTheOperationalWebhooksThatWantThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.topics = append(f.topics, bus.Notices)
	f.run(newAccounts(operational()))
	require.NoError(t, f.producer.ProduceSync(t.Context(),
		notice.Record(notification("ntf_1", hook.NoticeDisabled)), notice.Record(notification("ntf_2", hook.NoticeQuota))))
	f.publish(0, event("evt_1", "acme", 1))
	got := f.bundled(4)
	require.ElementsMatch(t, []string{"wh_all"}, got["ntf_1"])
	require.ElementsMatch(t, []string{"wh_all", "wh_quota"}, got["ntf_2"])
	require.ElementsMatch(t, []string{"wh_changes"}, got["evt_1"])
}

// An event of an item type that has a notice's name is an ordinary one; one that says
// that it is a notice is none at all, and neither is an event in the topic notices.
func TestNoUpstreamCanForgeANotice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.topics = append(f.topics, bus.Notices)
	f.run(newAccounts(operational()))
	change := func(kind string) []byte {
		return fmt.Appendf(nil, `{"id":"evt_%s","account":"acme","eventType":%q,"itemType":"webhook.disabled","items":[{"id":"ntf_1","data":{"id":"ntf_1"}}]}`, kind, kind)
	}
	message, err := proto.Marshal(&eventv1.EntityChange{Id: "evt_proto", Account: "acme", EventType: eventv1.EventType_EVENT_TYPE_NOTICE,
		ItemType: "webhook.disabled", Items: []*eventv1.Item{{Id: "ntf_1"}}})
	require.NoError(t, err)
	protobuf := []bus.Header{{Key: "content-type", Value: []byte("application/protobuf")}}
	require.NoError(t, f.producer.ProduceSync(t.Context(),
		bus.Record{Topic: contacts, Value: change("notice")},
		bus.Record{Topic: contacts, Value: message, Headers: protobuf},
		bus.Record{Topic: contacts, Value: notice.Record(notification("ntf_1", hook.NoticeDisabled)).Value, Headers: protobuf},
		bus.Record{Topic: bus.Notices, Value: change("update")},
		bus.Record{Topic: bus.Notices, Value: message, Headers: protobuf},
		bus.Record{Topic: contacts, Value: change("create")},
	))
	require.Equal(t, map[string][]string{"evt_create": {"wh_changes"}}, f.bundled(1))
	refused := map[string]int{}
	for reader := f.reader(bus.Quarantine); refused[contacts]+refused[bus.Notices] < 5; {
		records := f.next(reader)
		for i := range records {
			entry, err := quarantine.Read(&records[i])
			require.NoError(t, err)
			refused[entry.Came.Topic]++
		}
	}
	require.Equal(t, map[string]int{contacts: 3, bus.Notices: 2}, refused)
	require.NoError(t, f.producer.ProduceSync(t.Context(), notice.Record(notification("ntf_9", hook.NoticeFailing))))
	require.Equal(t, map[string][]string{"evt_create": {"wh_changes"}, "ntf_9": {"wh_all"}}, f.bundled(2), "and nothing else was delivered meanwhile")
}

// What an account demands of its items' data says nothing about notices.
func TestNoSchemaKeepsANoticeBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.topics = append(f.topics, bus.Notices)
	state := operational()
	state.Schemas = []hook.ItemSchema{{ItemType: string(hook.NoticeDisabled), Schema: []byte(`{"required": ["total"]}`)}}
	f.run(newAccounts(state))
	require.NoError(t, f.producer.ProduceSync(t.Context(), notice.Record(notification("ntf_1", hook.NoticeDisabled))))
	require.Equal(t, map[string][]string{"ntf_1": {"wh_all"}}, f.bundled(1))
}

// An account that was deleted meanwhile is nobody's mistake: its notices end there.
func TestANoticeOfADeletedAccountIsNotQuarantined(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.topics = append(f.topics, bus.Notices)
	f.run(newAccounts(operational(), hook.AccountState{Account: hook.Account{ID: "gone", Deleted: true}}))
	n := notification("ntf_1", hook.NoticeDisabled)
	n.Account = "gone"
	gone := notice.Record(n)
	gone.Partition = 0
	require.NoError(t, f.producer.ProduceSync(t.Context(), gone, bus.Record{Topic: bus.Notices, Value: []byte("hello")}))
	records := f.next(f.reader(bus.Quarantine))
	entry, err := quarantine.Read(&records[0])
	require.NoError(t, err)
	require.Equal(t, "hello", string(entry.Came.Value), "which came after it")
}
