package sender

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// testOwner posts to this machine.
func testOwner() *owner {
	return &owner{service: &Service{Config: Config{
		Client:    egress.NewClient(egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		Tracer:    sdktrace.NewTracerProvider().Tracer("sender"),
		UserAgent: "Staffetta/test",
		Log:       zap.NewNop(),
	}}}
}

// targetOf is a webhook as the sender's snapshot has it.
func targetOf(t testing.TB, w hook.Webhook, secrets ...string) *target {
	t.Helper()
	for n, secret := range secrets {
		w.Secrets = append(w.Secrets, []byte(secret))
		if n > 0 {
			w.SecretsUntil = append(w.SecretsUntil, time.Now().Add(time.Hour))
		}
	}
	a := NewAccount(hook.AccountState{Account: hook.Account{ID: "acme", Name: "Acme"}, Webhooks: []hook.Webhook{w}}, unsealed{})
	require.NoError(t, a.targets[w.ID].unusable)
	return a.targets[w.ID]
}

// unsealed opens secrets that were never sealed.
type unsealed struct{}

func (unsealed) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// sampleTask is a delivery as the router makes it.
func sampleTask() *task {
	version := int64(3)
	return &task{
		identity: identity{delivery: "dlv_7cju1m86nufm5t4aiq84be4t3s"}, account: "acme", webhook: "wh_1",
		event: &hook.Event{
			ID: "ev-1", Account: "acme", Store: "7", Type: hook.Create, ItemType: "Contact", Date: "2023-02-02T12:07:01+01:00",
			User:  &hook.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
			Items: []hook.Item{{ID: "12014", Ref: "/contacts/12014", Version: &version, Data: []byte(`{"id": 12014, "name": "Mario Rossi", "credit": 10.50}`)}},
			Trace: hook.Trace{Parent: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
		},
	}
}

func TestAReceiverGetsARequestThatItCanVerify(t *testing.T) {
	t.Parallel()
	fresh, old, private := signature.NewSecret(), signature.NewSecret(), signature.NewPrivateKey()
	public, err := signature.PublicKey(private)
	require.NoError(t, err)
	type got struct {
		header http.Header
		body   []byte
	}
	requests := make(chan got, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- got{r.Header, body}
		w.Header().Set("X-Request-Id", "7")
		w.Header()["Date"] = nil
		_, _ = io.WriteString(w, "thanks")
	}))
	t.Cleanup(receiver.Close)
	o := testOwner()
	for name, w := range map[string]*target{
		"standard":       targetOf(t, hook.Webhook{ID: "wh_1", URL: receiver.URL + "/hooks?key=hunter2hunter2", Format: hook.FormatStandard, Timeout: hook.MaxTimeout}, fresh, old),
		"cassa-in-cloud": targetOf(t, hook.Webhook{ID: "wh_3", URL: receiver.URL + "/hooks", Format: hook.FormatCassaInCloud, Timeout: hook.MaxTimeout}, "some_secret_key"),
		"cloudevents":    targetOf(t, hook.Webhook{ID: "wh_4", URL: receiver.URL + "/hooks", Format: hook.FormatCloudEvents, CloudEvents: hook.Binary, Timeout: hook.MaxTimeout}, private),
		"rentman":        targetOf(t, hook.Webhook{ID: "wh_2", URL: receiver.URL + "/hooks", Format: hook.FormatRentman, Timeout: hook.MaxTimeout}, "some_secret_key"),
	} {
		for range 2 { // what is kept for the next request must not come into it
			out := o.post(sampleTask(), w)
			require.Equal(t, hook.ReasonNone, out.reason, out.detail)
			require.Equal(t, 200, out.status)
			require.Equal(t, "thanks", string(out.response))
			require.Equal(t, []hook.Header{
				{Name: "Content-Length", Value: "6"}, {Name: "Content-Type", Value: "text/plain; charset=utf-8"}, {Name: "X-Request-Id", Value: "7"},
			}, out.headers)
			require.Equal(t, receiver.URL+"/hooks", out.url)
			require.Positive(t, out.duration)

			r := <-requests
			require.Equal(t, "application/json", r.header.Get("Content-Type"))
			require.Equal(t, "Staffetta/test", r.header.Get("User-Agent"))
			require.Contains(t, string(r.body), "12014")
			switch name {
			case "rentman":
				require.NoError(t, signature.VerifyDigest(r.header, r.body, "some_secret_key"))
				continue
			case "cassa-in-cloud":
				require.NoError(t, signature.VerifySHA1(r.header, r.body, "some_secret_key"))
				require.Equal(t, "CONTACT/CREATE", r.header.Get("x-cn-operation"))
				continue
			case "cloudevents":
				require.Equal(t, "dlv_7cju1m86nufm5t4aiq84be4t3s", r.header.Get("ce-id"))
				require.NoError(t, signature.Verify(r.header, r.body, public, out.at, signature.DefaultTolerance))
				continue
			}
			require.Equal(t, "dlv_7cju1m86nufm5t4aiq84be4t3s", r.header.Get("Webhook-Id"))
			for _, secret := range []string{fresh, old} {
				require.NoError(t, signature.Verify(r.header, r.body, secret, out.at, signature.DefaultTolerance))
			}
		}
	}
}

func TestASecretThatHasEndedSignsNoMore(t *testing.T) {
	t.Parallel()
	signatures := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		signatures <- r.Header.Get("webhook-signature")
	}))
	t.Cleanup(receiver.Close)
	w := hook.Webhook{
		ID: "wh_1", URL: receiver.URL, Format: hook.FormatStandard, Timeout: hook.MaxTimeout,
		Secrets:      [][]byte{[]byte(signature.NewSecret()), []byte(signature.NewSecret()), []byte(signature.NewSecret())},
		SecretsUntil: []time.Time{time.Now().Add(time.Hour), time.Now()},
	}
	require.Empty(t, testOwner().post(sampleTask(), targetOf(t, w)).detail)
	require.Len(t, strings.Fields(<-signatures), 2, "as the snapshot says, without a new one")
}

func TestAWebhookThatCannotBePostedToSaysWhy(t *testing.T) {
	t.Parallel()
	o := testOwner()
	for rule, w := range map[string]*target{
		"webhook wh_1: url must be an http or https URL that names a host": targetOf(t, hook.Webhook{ID: "wh_1", URL: "nonsense", Format: hook.FormatStandard}, signature.NewSecret()),
		"webhook wh_1: secret must begin with whsec_":                      targetOf(t, hook.Webhook{ID: "wh_1", URL: "https://example.com", Format: hook.FormatStandard}, "hunter2hunter2"),
		`webhook wh_1: format must be one of the formats, not "morse"`:     targetOf(t, hook.Webhook{ID: "wh_1", URL: "https://example.com", Format: "morse"}, "hunter2hunter2"),
		"webhook wh_1: secret must be there to sign with":                  targetOf(t, hook.Webhook{ID: "wh_1", URL: "https://example.com", Format: hook.FormatRentman}),
	} {
		out := o.post(sampleTask(), w)
		require.Equal(t, hook.ReasonUnrenderable, out.reason)
		require.Equal(t, rule, out.detail)
	}
}
