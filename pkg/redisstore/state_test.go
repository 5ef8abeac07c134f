package redisstore

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestWhatIsWrittenToRedisIsWhatIsRead(t *testing.T) {
	t.Parallel()
	want := account("acme", 7, "wh_1", "wh_2", "wh_3")
	want.Webhooks[1].Stores, want.Webhooks[1].Format = []string{"8", "7"}, hook.FormatStandard
	want.Webhooks[1].Filter = `item.data.total > 1000.0`
	want.Webhooks[2].RateLimit, want.Webhooks[2].OnQuota = 5, hook.DropOverQuota
	want.Webhooks[2].Format, want.Webhooks[2].CloudEvents = hook.FormatCloudEvents, hook.Binary
	want.Webhooks[2].Secrets = [][]byte{{3}, {4}, {5}}
	want.Webhooks[2].SecretsUntil = []time.Time{time.UnixMilli(1_800_000_000_123), time.UnixMilli(1_700_000_000_000)}
	want.Webhooks[1].Headers = []hook.SealedHeader{{Name: "X-Api-Key", Value: []byte{1, 0}}, {Name: "X-Tenant", Value: []byte{2}}}
	want.Webhooks[1].Auth = &hook.Auth{Type: hook.AuthMTLS, Certificate: "PEM", Secret: []byte{3}}
	want.Webhooks[2].Auth = &hook.Auth{
		Type: hook.AuthOAuth2, Username: "u", TokenURL: "https://example.com/token", ClientID: "c", Scopes: []string{"a", "b"}, Audience: "d", Secret: []byte{4},
	}
	want.Webhooks[2].Ordering, want.Webhooks[2].Coalesce = hook.OrderedByItem, hook.CoalesceByItem
	want.Webhooks[0].Notices = []hook.Notice{hook.NoticeDisabled, hook.AnyNotice}
	want.Schemas = []hook.ItemSchema{{ItemType: "Contact", Schema: []byte(`{}`)}, {ItemType: "Invoice", Schema: []byte(`{"type": "object"}`)}}
	blob, err := encode(want)
	require.NoError(t, err)
	got, err := decode(blob)
	require.NoError(t, err)
	require.Equal(t, want, got)

	want.Webhooks[2].CloudEvents = hook.Structured
	blob, err = encode(want)
	require.NoError(t, err)
	got, err = decode(blob)
	require.NoError(t, err)
	require.Empty(t, got.Webhooks[2].CloudEvents, "which means the same")
}

func TestWebhooksOfAnAccountShareWhatTheyHaveInCommon(t *testing.T) {
	t.Parallel()
	state := account("acme", 1, "wh_1", "wh_2", "wh_3")
	state.Webhooks[2].ItemTypes = []string{"Contact"}
	blob, err := encode(state)
	require.NoError(t, err)
	got, err := decode(blob)
	require.NoError(t, err)

	first, second, third := &got.Webhooks[0], &got.Webhooks[1], &got.Webhooks[2]
	require.Same(t, unsafe.StringData(string(first.Format)), unsafe.StringData(string(third.Format)))
	require.Same(t, &first.RetrySchedule[0], &third.RetrySchedule[0])
	require.Same(t, &first.ItemTypes[0], &second.ItemTypes[0])
	require.NotSame(t, &first.ItemTypes[0], &third.ItemTypes[0], "they differ")
}

func TestAPageIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		accounts, bytes, after int
	}{
		{"the first tells what they are like", 1, 300, 4},
		{"small ones grow to the most", 1000, 300_000, 1000},
		{"as many as fit", 100, 100 * 40_000, 52},
		{"one larger than a page still comes", 1, 30 << 20, 1},
		{"a large one after small ones", 1000, 200 << 20, 10},
	} {
		require.Equal(t, c.after, nextPage(c.accounts, c.bytes), c.name)
	}
}

func TestAnAccountThatDoesNotEncodeHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		bad := account("bad", 1, "w1")
		bad.Webhooks[0].Stores = []string{"7", "a\xffb"}
		bad.Webhooks[0].Filter = "\xff"
		bad.Schemas = []hook.ItemSchema{{ItemType: "\xff", Schema: []byte("{}")}}
		_, err := encode(bad)
		require.Error(t, err)

		s := NewStore(c, zap.NewNop())
		refill(t, s, bad, account("acme", 1))
		m := follow(t, c)
		requireVersion(t, m, "acme", 1)
		bad.Account.Version = 2
		require.NoError(t, s.Publish(t.Context(), []hook.AccountState{bad, account("acme", 2)}))
		requireVersion(t, m, "acme", 2)
		requireVersion(t, m, "bad", 2)
		state, _ := m.Account("bad")
		require.Equal(t, "https://example.com/w1", state.Webhooks[0].URL, "what can be read stays")
		require.Equal(t, []string{"7", "a\uFFFDb"}, state.Webhooks[0].Stores)
		require.Equal(t, "\uFFFD", state.Webhooks[0].Filter)
		require.Equal(t, "\uFFFD", state.Schemas[0].ItemType)
	})
}

func TestAFlushLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s, account("acme", 1))
		require.NoError(t, c.Flush(t.Context()))
		_, ok, err := s.Digest(t.Context())
		require.NoError(t, err)
		require.False(t, ok)
	})
}
