package listen_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/listen"
)

func post(r *listen.Receiver, body string, header http.Header) int {
	req := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	req.Header = header
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func TestARequestIsVerifiedAndPrinted(t *testing.T) {
	t.Parallel()
	secret := signature.NewSecret()
	key, err := signature.ParseSecret(secret)
	require.NoError(t, err)
	const body = `{"type":"contact.create"}`
	signed := func(body string) http.Header {
		h := http.Header{}
		now := time.Now()
		h.Set("webhook-id", "dlv_1")
		h.Set("webhook-signature", signature.Standard(key, "dlv_1", now, []byte(body)))
		h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		return h
	}
	var out bytes.Buffer
	r := &listen.Receiver{Secret: secret, Out: &out}
	require.Equal(t, http.StatusNoContent, post(r, body, signed(body)))
	require.Contains(t, out.String(), "verified")
	require.Contains(t, out.String(), `"type": "contact.create"`)

	out.Reset()
	require.Equal(t, http.StatusUnauthorized, post(r, body, signed("another body")))
	require.Contains(t, out.String(), "REFUSED")
	require.Equal(t, http.StatusUnauthorized, post(r, body, http.Header{}))
}

func TestADigestIsVerified(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &listen.Receiver{Secret: "some_secret_key", Out: &out}
	require.Equal(t, http.StatusNoContent, post(r, "{}", http.Header{"Digest": {signature.Digest("some_secret_key", []byte("{}"))}}))
	require.Equal(t, http.StatusUnauthorized, post(r, "{}", http.Header{"Digest": {signature.Digest("another", []byte("{}"))}}))
}

func TestARequestOfTheCassaInCloudFormatIsVerified(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &listen.Receiver{Secret: "some_secret_key", Out: &out}
	signed := func(token string) http.Header {
		return http.Header{
			"X-Cn-Operation": {"RECEIPT/CREATE"}, "X-Cn-Signature": {string(signature.NewSHA1Key(token).Append(nil, []byte("{}")))},
		}
	}
	require.Equal(t, http.StatusNoContent, post(r, "{}", signed("some_secret_key")))
	require.Contains(t, out.String(), "x-cn-operation: RECEIPT/CREATE")
	require.Equal(t, http.StatusUnauthorized, post(r, "{}", signed("another")))
}

func TestNothingReachesTheTerminalRaw(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &listen.Receiver{Out: &out}
	require.Equal(t, http.StatusNoContent, post(r, "\x1b[2J", http.Header{"Webhook-Id": {"\x1b[31m"}}))
	require.NotContains(t, out.String(), "\x1b")
}

func TestAQuestionAboutHealthIsNoDelivery(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := listen.Handler(&listen.Receiver{Secret: "some_secret_key", Out: &out})
	ask := func(method string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/readyz", strings.NewReader("{}")))
		return w.Code
	}
	require.Equal(t, http.StatusOK, ask(http.MethodGet))
	require.Empty(t, out.String())
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodPost), "a receiver may be at any path")
	require.Contains(t, out.String(), "REFUSED")
}
