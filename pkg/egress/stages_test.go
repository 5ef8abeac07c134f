package egress_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// mute accepts connections and says nothing; the system takes what fits.
func mute(t *testing.T) (address string) {
	t.Helper()
	return listen(t).Addr().String()
}

func TestTheDeadlineHoldsAtEveryStage(t *testing.T) {
	t.Parallel()
	drips := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "and so on")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(drips.Close)
	client := newClient(t)
	roots := x509.NewCertPool()
	roots.AddCert(drips.Certificate())
	client.Trust(roots)

	for name, c := range map[string]struct {
		url   string
		body  int
		stage egress.Stage
	}{
		"handshake": {"https://" + mute(t), 0, egress.StageTLS},
		"sending":   {"http://" + mute(t), 32 << 20, egress.StageSend},
		"answer":    {"http://" + mute(t), 0, egress.StageAnswer},
		"body":      {drips.URL, 0, egress.StageBody},
	} {
		r := request(t, c.url)
		r.Body = make([]byte, c.body)
		r.Deadline = time.Now().Add(300 * time.Millisecond)
		answer, err := client.Post(r)
		if c.stage == egress.StageBody {
			require.NoError(t, err, "the status came in time")
			require.Equal(t, 500, answer.Status)
			require.Equal(t, "and so on", string(answer.Body))
			err = answer.Broken
		}
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, name)
		var fault *egress.Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, c.stage, fault.Stage, name)
		require.WithinDuration(t, r.Deadline, time.Now(), 5*time.Second, name)
	}
	require.Zero(t, client.Idle())

	r := request(t, "http://"+mute(t))
	r.Deadline = time.Now().Add(-time.Second)
	_, err := client.Post(r)
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, egress.StageConnect, fault.Stage)
}

func TestErrorsSayAtWhichStageAndWhy(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	silent, _ := script(t)
	half, _ := script(t, "HTTP/1.1 200 OK\r\nContent-")
	babble, _ := script(t, "no HTTP at all\r\n\r\n")
	plain, _ := script(t)
	refusing := httptest.NewUnstartedServer(http.NotFoundHandler())
	refusing.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	refusing.StartTLS()
	t.Cleanup(refusing.Close)
	client := newClient(t)
	roots := x509.NewCertPool()
	roots.AddCert(refusing.Certificate())
	client.Trust(roots)

	for url, c := range map[string]struct {
		stage egress.Stage
		is    func(error) bool
	}{
		closed.URL: {egress.StageConnect, is(syscall.ECONNREFUSED)},
		"http://name.invalid/": {egress.StageConnect, func(err error) bool {
			var dns *net.DNSError
			return errors.As(err, &dns)
		}},
		"http://10.255.255.1:9/": {egress.StageConnect, is(egress.ErrForbidden)},
		silent:                   {egress.StageAnswer, is(io.EOF)},
		half:                     {egress.StageAnswer, is(io.ErrUnexpectedEOF)},
		babble:                   {egress.StageAnswer, is(egress.ErrMalformed)},
		strings.Replace(plain, "http:", "https:", 1): {egress.StageTLS, func(error) bool { return true }},
		refusing.URL: {egress.StageAnswer, func(err error) bool {
			var op *net.OpError
			return errors.As(err, &op) && op.Op == "remote error"
		}},
	} {
		_, err := client.Post(request(t, url))
		var fault *egress.Error
		require.ErrorAs(t, err, &fault, url)
		require.Equal(t, c.stage, fault.Stage, "%s: %v", url, err)
		require.True(t, c.is(err), "%s: %v", url, err)
	}
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}
