package format_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
)

func TestBodiesOfNotices(t *testing.T) {
	t.Parallel()
	e := notice.Event(hook.Notification{
		ID: "ntf_1", Account: "acme", Notice: hook.NoticeDisabled, Webhook: "wh_1", Count: 50, Detail: "the last answer was 500",
		CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	})
	const data = `{"id":"ntf_1","account":"acme","webhook":"wh_1","count":50,"detail":"the last answer was 500"}`
	w := &hook.Webhook{Format: hook.FormatStandard, Payload: hook.Thin}
	require.Equal(t, `{"type":"webhook.disabled","timestamp":"2026-03-01T12:00:00Z","data":`+data+`}`, render(t, w, "Acme", e))

	w = &hook.Webhook{Format: hook.FormatCloudEvents, CloudEvents: hook.Structured}
	structured, err := format.Render(nil, w, "Acme", &e, "dlv_1")
	require.NoError(t, err)
	require.Equal(t, `{"specversion":"1.0","id":"dlv_1","source":"/accounts/acme","type":"webhook.disabled","time":"2026-03-01T12:00:00Z",`+
		`"datacontenttype":"application/json","data":`+data+`}`, string(structured.Body))

	w.CloudEvents = hook.Binary
	binary, err := format.Render(nil, w, "Acme", &e, "dlv_1")
	require.NoError(t, err)
	require.Equal(t, data, string(binary.Body))
	require.Contains(t, binary.Header, hook.Header{Name: "Ce-Type", Value: "webhook.disabled"})
}
