package sender

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
	"github.com/staffetta/staffetta/pkg/signature"
)

// withAuth is a webhook whose requests have time.
func withAuth(t *testing.T, url string, auth *hook.Auth, headers ...hook.SealedHeader) *target {
	t.Helper()
	return targetOf(t, hook.Webhook{
		ID: "wh_1", URL: url, Format: hook.FormatStandard, Timeout: hook.MaxTimeout, Headers: headers, Auth: auth,
	}, signature.NewSecret())
}

// mirror is a receiver that says what it got, and hands on the headers.
func mirror(t *testing.T) (url string, got <-chan http.Header) {
	t.Helper()
	requests := make(chan http.Header, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Header
		w.WriteHeader(http.StatusBadRequest)
		for name, values := range r.Header {
			_, _ = fmt.Fprintf(w, "%s: %s\n", name, values)
		}
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, requests
}

func TestHeadersAndAuthReachTheReceiverAndNotTheLog(t *testing.T) {
	t.Parallel()
	url, got := mirror(t)
	for _, c := range []struct {
		auth          *hook.Auth
		authorization string
		secrets       []string
	}{
		{nil, "", nil},
		{&hook.Auth{Type: hook.AuthBasic, Username: "staffetta", Secret: []byte("pass:wörd-1234")}, "Basic c3RhZmZldHRhOnBhc3M6d8O2cmQtMTIzNA==",
			[]string{"pass:wörd-1234", "c3RhZmZldHRhOnBhc3M6d8O2cmQtMTIzNA=="}},
		{&hook.Auth{Type: hook.AuthBearer, Secret: []byte("abcdefghijklmnop")}, "Bearer abcdefghijklmnop", []string{"abcdefghijklmnop"}},
	} {
		w := withAuth(t, url, c.auth,
			hook.SealedHeader{Name: "X-Api-Key", Value: []byte("k-1234")}, hook.SealedHeader{Name: "X-Tenant", Value: []byte("7")},
			hook.SealedHeader{Name: "X-Long", Value: []byte("a value of some length")})
		for _, test := range []bool{false, true, false} { // what is kept for the next request must not come into it
			task := sampleTask()
			task.test = test
			out := testOwner().post(task, w)
			require.Equal(t, 400, out.status, out.detail)
			header := <-got
			require.Equal(t, []string{"k-1234"}, header["X-Api-Key"])
			require.Equal(t, []string{"7"}, header["X-Tenant"])
			require.Equal(t, c.authorization, header.Get("Authorization"))
			require.Len(t, header["Webhook-Id"], 1)
			log := fmt.Sprintf("%+v %s", out, out.response)
			require.Contains(t, log, "X-Tenant: [7]", "what is short and no secret by its name is shown")
			kept, err := sent.Header(out.request, sent.About{Delivery: "dlv_7cju1m86nufm5t4aiq84be4t3s", TraceID: out.traceID, At: out.at})
			require.NoError(t, err)
			for _, line := range kept {
				switch line.Name {
				case "X-Api-Key", "Authorization", "X-Long":
					require.Equal(t, masked, line.Value, line.Name)
				default:
					require.Equal(t, []string{line.Value}, header[line.Name], "as it was sent")
				}
			}
			require.Len(t, kept, len(header), "all that was sent")
			require.NotContains(t, log, "k-1234")
			for _, secret := range append(c.secrets, "a value of some length") {
				require.Empty(t, leaked(log, secret), log)
			}
		}
	}
}

func TestCredentialsThatCannotBeOpenedMakeTheWebhookWait(t *testing.T) {
	t.Parallel()
	for _, w := range []hook.Webhook{
		{ID: "wh_1", Headers: []hook.SealedHeader{{Name: "X-A", Value: []byte("sealed")}}},
		{ID: "wh_1", Auth: &hook.Auth{Type: hook.AuthBearer, Secret: []byte("sealed")}},
	} {
		a := NewAccount(hook.AccountState{Webhooks: []hook.Webhook{w}}, keyless{})
		require.ErrorIs(t, a.targets["wh_1"].unusable, io.ErrNoProgress)
		require.NotContains(t, a.targets["wh_1"].unusable.Error(), "sealed")
	}
}

type keyless struct{}

func (keyless) Open([]byte, []byte) ([]byte, error) { return nil, io.ErrNoProgress }

func TestAClientCertificateIsPresentedToWhoDemandsOne(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	var requests atomic.Int32
	url := a.serve(time.Now().Add(time.Hour), true, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = fmt.Fprint(w, r.TLS.PeerCertificates[0].SerialNumber, r.TLS.DidResume)
	})
	certificate := func(until time.Time, by *authority) *hook.Auth {
		chain, key := by.issue(until)
		return &hook.Auth{Type: hook.AuthMTLS, Certificate: chain, Secret: []byte(key)}
	}
	o := a.owner(egress.Policy{})
	seen := map[string]bool{}
	for range 2 {
		w := withAuth(t, url, certificate(time.Now().Add(time.Hour), a))
		for range 2 {
			out := o.post(sampleTask(), w)
			require.Equal(t, hook.ReasonNone, out.reason, out.detail)
			seen[string(out.response)] = true
		}
	}
	require.Len(t, seen, 2, "each by its own certificate, on connections of its own: %v", seen)

	// Who has none gets nothing of the connections and sessions of who has.
	require.Equal(t, int32(4), requests.Load())
	none := o.post(sampleTask(), withAuth(t, url, nil))
	require.Contains(t, []hook.Reason{hook.ReasonTLS, hook.ReasonReset}, none.reason, none.detail)
	stranger := o.post(sampleTask(), withAuth(t, url, certificate(time.Now().Add(time.Hour), newAuthority(t))))
	require.Contains(t, []hook.Reason{hook.ReasonTLS, hook.ReasonReset}, stranger.reason, stranger.detail)

	late := o.post(sampleTask(), withAuth(t, url, certificate(time.Now().Add(-time.Hour), a)))
	require.Equal(t, hook.ReasonOwnCertificate, late.reason)
	require.Regexp(t, `^the client certificate has expired: it was valid until \d{4}-`, late.detail)
	require.Equal(t, untried, late.verdict(), "nothing was sent")
	require.Equal(t, int32(4), requests.Load())

	broken := o.post(sampleTask(), withAuth(t, url, &hook.Auth{Type: hook.AuthMTLS, Certificate: "x", Secret: []byte("y")}))
	require.Equal(t, hook.ReasonUnrenderable, broken.reason)
	require.Equal(t, "webhook wh_1: auth must be a certificate and its key", broken.detail)
}

func TestACertificateOfTheReceiverThatHasExpiredHasItsReason(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	url := a.serve(time.Now().Add(-time.Hour), false, func(http.ResponseWriter, *http.Request) {})
	out := a.owner(egress.Policy{}).post(sampleTask(), withAuth(t, url, nil))
	require.Equal(t, hook.ReasonCertificate, out.reason)
	require.Equal(t, failed, out.verdict())
	require.Contains(t, out.detail, "certificate has expired or is not yet valid")
}
