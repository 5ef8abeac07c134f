package egress_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// deaf answers from a request's header and reads no further.
func deaf(t *testing.T, secure *tls.Config, answer string) (address string) {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = raw.Close() })
			go func() {
				_ = raw.(*net.TCPConn).SetReadBuffer(4096) //nolint:errcheck // a listener of TCP
				conn := raw
				if secure != nil {
					conn = tls.Server(raw, secure)
				}
				in := bufio.NewReaderSize(conn, 512)
				for {
					if line, err := in.ReadString('\n'); err != nil || line == "\r\n" {
						break
					}
				}
				_, _ = io.WriteString(conn, answer)
			}()
		}
	}()
	return listener.Addr().String()
}

// secret is the TLS configuration of a receiver whom the client trusts.
func secret(t *testing.T, client *egress.Client) *tls.Config {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	t.Cleanup(borrowed.Close)
	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	client.Trust(roots)
	return &tls.Config{Certificates: borrowed.TLS.Certificates}
}

const gone = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"

func TestAnAnswerCountsThoughItsReceiverReadsNoFurther(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	for _, url := range []string{
		"http://" + deaf(t, nil, gone), "https://" + deaf(t, secret(t, client), gone),
	} {
		r := request(t, url)
		r.Body = make([]byte, 32<<20) // more than any buffer between
		begun := time.Now()
		answer, err := client.Post(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusGone, answer.Status)
		require.Zero(t, client.Idle())
		// Nor is anything waited for: crypto/tls would take 5 s to say goodbye.
		require.Less(t, time.Since(begun), 4*time.Second)
	}
}

func TestAReceiverThatDoesNotReadHoldsNobodyBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	r := request(t, "https://"+deaf(t, secret(t, client), ""))
	r.Body = make([]byte, 32<<20)
	r.Deadline = time.Now().Add(300 * time.Millisecond)
	_, err := client.Post(r)
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, egress.StageSend, fault.Stage)
	require.Less(t, time.Since(r.Deadline), 3*time.Second)
}
