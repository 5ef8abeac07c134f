package egress_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestByTLSTheReceiverIsTheOneThatTheURLNames(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %t", r.Proto, r.TLS.ServerName, r.TLS.DidResume)
	}))
	receiver.EnableHTTP2 = true
	receiver.StartTLS()
	t.Cleanup(receiver.Close)

	_, err := newClient(t).Post(request(t, receiver.URL))
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, egress.StageTLS, fault.Stage)

	client := newClient(t)
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	client.Trust(roots)
	// The certificate is one for 127.0.0.1 and example.com, not for localhost.
	answer, err := client.Post(request(t, strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1)))
	var wrong *tls.CertificateVerificationError
	require.ErrorAs(t, err, &wrong)
	took := answer.Timing
	require.Positive(t, min(took.DNS, took.Connect, took.TLS), "told beside an error too")
	require.Zero(t, took.FirstByte)

	for _, resumed := range []bool{false, true} {
		answer, err := client.Post(request(t, receiver.URL))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("HTTP/1.1  %t", resumed), string(answer.Body))
		require.Equal(t, 1, client.Idle())
		require.Zero(t, answer.Timing.DNS, "there is no name to resolve")
		require.Positive(t, answer.Timing.Connect)
		require.Positive(t, answer.Timing.TLS)
		require.Positive(t, answer.Timing.FirstByte)
		answer, err = client.Post(request(t, receiver.URL))
		require.NoError(t, err)
		first := answer.Timing.FirstByte
		require.Positive(t, first)
		require.Equal(t, hook.Timing{FirstByte: first}, answer.Timing, "the connection was there")
		client.Age(patience) // so that the next one connects again
	}
	require.Zero(t, client.Idle())
}

func TestHTTPAndHTTPSShareNoConnection(t *testing.T) {
	t.Parallel()
	url, _ := script(t, ok, ok)
	client := newClient(t)
	_, err := client.Post(request(t, url))
	require.NoError(t, err)
	require.Equal(t, 1, client.Idle())
	_, err = client.Post(request(t, strings.Replace(url, "http:", "https:", 1)))
	require.Error(t, err, "its receiver speaks no TLS")
	require.Equal(t, 1, client.Idle())
}
