package trial_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/trial"
)

// send posts a body in a format to a path of the receiver.
func send(t *testing.T, r *trial.Receiver, path string, f hook.Format, secret, body string) int {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /portal/trial/{account}/{proof}", r)
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if secret != "" {
		require.NoError(t, format.Sign(req.Header, f, format.Request{Body: []byte(body), ContentType: "application/json"},
			format.Signing{Delivery: "dlv_1", At: time.Now(), Secrets: []format.Secret{{Text: secret}}}))
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	return w.Code
}

func pathOf(r *trial.Receiver, account string) string {
	return strings.TrimPrefix(r.URL(account), "http://127.0.0.1:8080")
}

func TestItVerifiesAndKeepsWhatArrives(t *testing.T) {
	t.Parallel()
	r := trial.New("key", nil)
	require.Empty(t, r.URL("acme"), "not known yet")
	r.Found("http://127.0.0.1:8080")
	path, secret := pathOf(r, "acme"), r.Secret("acme")
	require.NoError(t, format.CheckSecret(hook.FormatStandard, hook.HMACSHA256, secret))
	for _, f := range hook.Formats {
		require.Equal(t, http.StatusNoContent, send(t, r, path, f, secret, `{"a": 1}`), f)
		newest := r.Arrivals("acme")[0]
		require.True(t, newest.Verified)
		require.Equal(t, `{"a": 1}`, newest.Body)
		require.NotEmpty(t, newest.Header)
	}
	require.Equal(t, "dlv_1", r.Arrivals("acme")[0].Delivery)

	require.Equal(t, http.StatusUnauthorized, send(t, r, path, hook.FormatStandard, r.Secret("other"), `{}`))
	require.False(t, r.Arrivals("acme")[0].Verified)
	require.Equal(t, "no matching signature", r.Arrivals("acme")[0].Why)
	require.Equal(t, http.StatusUnauthorized, send(t, r, path, hook.FormatStandard, "", "\xff"))
	require.Equal(t, "there is no signature", r.Arrivals("acme")[0].Why)
	require.Equal(t, "\uFFFD", r.Arrivals("acme")[0].Body)
	require.Empty(t, r.Arrivals("other"))
}

func TestStrangersFindNoAddress(t *testing.T) {
	t.Parallel()
	r := trial.New("key", nil)
	r.Found("http://127.0.0.1:8080")
	require.NotEqual(t, r.URL("acme"), trial.New("another key", nil).URL("acme"))
	wrong := strings.Replace(pathOf(r, "acme"), "/acme/", "/other/", 1)
	require.Equal(t, http.StatusNotFound, send(t, r, wrong, hook.FormatStandard, r.Secret("other"), `{}`))
	require.Empty(t, r.Arrivals("other"))
}

func TestItKeepsLittle(t *testing.T) {
	t.Parallel()
	r := trial.New("key", nil)
	r.Found("http://127.0.0.1:8080")
	for range 60 {
		send(t, r, pathOf(r, "acme"), hook.FormatStandard, r.Secret("acme"), strings.Repeat("x", 1<<20))
	}
	require.Len(t, r.Arrivals("acme"), 50)
	require.Len(t, r.Arrivals("acme")[0].Body, 4<<10)
	require.Equal(t, http.StatusBadRequest, send(t, r, pathOf(r, "acme"), hook.FormatStandard, "", strings.Repeat("x", 3<<20)))

	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	req.SetPathValue("account", "acme")
	req.SetPathValue("proof", pathOf(r, "acme")[len("/portal/trial/acme/"):])
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		req.Header.Set(name, strings.Repeat("x", 100<<10))
	}
	r.ServeHTTP(httptest.NewRecorder(), req)
	newest := r.Arrivals("acme")[0]
	require.Len(t, newest.Header, 3)
	require.Less(t, len(newest.Delivery)+len(newest.Why)+len(strings.Join(newest.Header, "")), 8<<10)
}
