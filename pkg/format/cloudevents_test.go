package format_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// cloudEvent is the request of an event in a mode, with all of its headers.
func cloudEvent(t *testing.T, mode hook.CloudEvents, payload hook.Payload, e hook.Event) (body string, h http.Header) {
	t.Helper()
	r, err := format.Render(nil, &hook.Webhook{Format: hook.FormatCloudEvents, CloudEvents: mode, Payload: payload}, "Acme", &e, delivery)
	require.NoError(t, err)
	h = http.Header{}
	secret := signature.NewSecret()
	require.NoError(t, format.Sign(h, hook.FormatCloudEvents, r, format.Signing{Delivery: delivery, At: now, Secrets: rotating(secret)}))
	require.NoError(t, signature.Verify(h, r.Body, secret, now, time.Minute), "the headers of Standard Webhooks are there too")
	return string(r.Body), h
}

func TestAStructuredCloudEventIsWholeInItsBody(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]hook.CloudEvents{"as chosen": hook.Structured, "by default": ""} {
		for file, payload := range map[string]hook.Payload{"thin.json": hook.Thin, "full.json": hook.Full} {
			body, h := cloudEvent(t, mode, payload, serialNumbers())
			require.Equal(t, golden(t, "cloudevents/"+file), body, name)
			require.Equal(t, "application/cloudevents+json", h.Get("content-type"))
			require.Empty(t, h.Get("ce-id"))
		}
	}
}

func TestABinaryCloudEventHasItsDataInTheBody(t *testing.T) {
	t.Parallel()
	body, h := cloudEvent(t, hook.Binary, hook.Full, serialNumbers())
	require.Equal(t, golden(t, "cloudevents/data.json"), body)
	for name, value := range map[string]string{
		"ce-specversion": "1.0", "ce-id": delivery, "ce-type": "serial_number.update", "ce-source": "/accounts/acme",
		"ce-time": "2023-02-02T12:03:25+01:00", "content-type": "application/json", "webhook-id": delivery,
	} {
		require.Equal(t, value, h.Get(name))
	}
	e := serialNumbers()
	e.ItemType = "Unità 100%"
	_, h = cloudEvent(t, hook.Binary, hook.Thin, e)
	require.Equal(t, "unit%C3%A0_100.update", h.Get("ce-type"), "as the protocol binding encodes headers")
}

func TestACloudEventsDataIsDeliveredByteForByte(t *testing.T) {
	t.Parallel()
	for _, mode := range hook.CloudEventsModes {
		e := serialNumbers()
		e.Items[0].Data = []byte("{ \"n\" :  1.10,\r\n\"u\":\"\\u00e8\\/\", \"n\": 90071992547409931 }")
		body, _ := cloudEvent(t, mode, hook.Full, e)
		require.Contains(t, body, `"data":`+string(e.Items[0].Data)+`}`)
	}
}

func TestEveryItemHasItsVersionWhereUpstreamGaveOne(t *testing.T) {
	t.Parallel()
	for _, w := range []*hook.Webhook{
		{Format: hook.FormatStandard, Payload: hook.Thin}, {Format: hook.FormatStandard, Payload: hook.Full},
		{Format: hook.FormatCloudEvents, Payload: hook.Thin}, {Format: hook.FormatCloudEvents, CloudEvents: hook.Binary},
	} {
		e := serialNumbers()
		r, err := format.Render(nil, w, "Acme", &e, delivery)
		require.NoError(t, err)
		require.Contains(t, string(r.Body), `{"id":8367,"ref":"/serialnumbers/8367","version":3,`, "%+v", w)
		require.Contains(t, string(r.Body), `{"id":"SN-8","ref":null,"version":null,`)
	}
}
