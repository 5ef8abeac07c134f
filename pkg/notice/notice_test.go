package notice_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
)

var disabled = hook.Notification{
	ID: "ntf_1", Account: "acme", Notice: hook.NoticeDisabled, Webhook: "wh_1", Count: 50, Detail: `the last answer was "500"`,
	CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC),
}

func TestANotificationIsTheSameEventHoweverOftenItIsWritten(t *testing.T) {
	t.Parallel()
	first, second := notice.Record(disabled), notice.Record(disabled)
	require.Equal(t, first, second)
	require.Equal(t, bus.Notices, first.Topic)
	require.Equal(t, "acme", string(first.Key))
	read := time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC)
	first.Partition, first.Offset, first.Time = 2, 7, read
	e, err := notice.Decode(&first)
	require.NoError(t, err)
	want := notice.Event(disabled)
	want.Source, want.Published = hook.Coordinates{Topic: bus.Notices, Partition: 2, Offset: 7}, read
	require.Equal(t, want, e)
	require.Equal(t, disabled.ID, e.ID)
	require.Equal(t, "2026-03-01T12:00:00.25Z", e.Date)
	require.JSONEq(t, `{"id": "ntf_1", "account": "acme", "webhook": "wh_1", "count": 50, "detail": "the last answer was \"500\""}`, string(e.Items[0].Data))

	account := disabled
	account.Webhook = ""
	require.Contains(t, string(notice.Event(account).Items[0].Data), `"webhook":null`)
}

func TestOnlyANoticeIsReadOutOfTheTopic(t *testing.T) {
	t.Parallel()
	change := notice.Event(disabled)
	change.Type = hook.Update
	nameless := notice.Event(disabled)
	nameless.Account = ""
	for name, value := range map[string][]byte{
		"no message":           []byte("hello"),
		"nothing":              nil,
		"a change":             codec.AppendChange(nil, &change),
		"one without account":  codec.AppendChange(nil, &nameless),
		"an event of upstream": []byte(`{"account":"acme","eventType":"notice","itemType":"webhook.disabled","items":[{"id":"1"}]}`),
	} {
		_, err := notice.Decode(&bus.Record{Value: value})
		require.ErrorContains(t, err, "not a notice", name)
	}
}

// Whoever publishes changes can make no notice, in whatever form.
func TestNoUpstreamPosesAsTheInstallation(t *testing.T) {
	t.Parallel()
	e := notice.Event(disabled)
	require.ErrorContains(t, codec.Validate(e), "eventType")
	asJSON := codec.AppendJSON(nil, e)
	record := notice.Record(disabled)
	for form, in := range map[string]codec.Input{
		"application/json":     {Value: asJSON},
		"application/protobuf": {Value: record.Value},
	} {
		in.Header = func(name string) ([]byte, bool) { return []byte(form), name == "content-type" }
		_, err := codec.Decode(in)
		var reject *codec.Reject
		require.ErrorAs(t, err, &reject, form)
	}
}
