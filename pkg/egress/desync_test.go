package egress_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

const stale = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"

// versions of TLS that receivers speak.
var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// serveTLS answers each request that comes in one piece by what answer writes, and
// counts connections. All that one answer writes arrives as one segment, but
// for the last bytes, which are cut off.
func serveTLS(t *testing.T, version uint16, cut int, answer func(w io.Writer, n int)) (url string, client *egress.Client, connections *atomic.Int32) {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	t.Cleanup(borrowed.Close)
	config := &tls.Config{Certificates: borrowed.TLS.Certificates, MinVersion: version, MaxVersion: version}
	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	client = newClient(t)
	client.Trust(roots)

	listener := listen(t)
	connections, requests := &atomic.Int32{}, &atomic.Int32{}
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer raw.Close()
				segment := &joined{Conn: raw}
				conn := tls.Server(segment, config)
				room := make([]byte, 64<<10)
				for {
					if _, err := conn.Read(room); err != nil {
						return
					}
					segment.hold = true
					answer(conn, int(requests.Add(1)))
					segment.hold = false
					if _, err := raw.Write(segment.held.Bytes()[:segment.held.Len()-cut]); err != nil {
						return
					}
					segment.held.Reset()
				}
			}()
		}
	}()
	return "https://" + listener.Addr().String(), client, connections
}

// joined holds back what is written, so that it arrives at once.
type joined struct {
	net.Conn
	hold bool
	held bytes.Buffer
}

func (j *joined) Write(p []byte) (int, error) {
	if j.hold {
		return j.held.Write(p)
	}
	return j.Conn.Write(p)
}

func numbered(n, size int) string {
	text := fmt.Sprintf("%0*d", size, n)
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

func TestByTLSAnAnswerThatNobodyAskedForAnswersNothing(t *testing.T) {
	t.Parallel()
	for version, id := range versions {
		for name, write := range map[string]func(w io.Writer, first string){
			"in a record of its own": func(w io.Writer, first string) {
				_, _ = io.WriteString(w, first)
				_, _ = io.WriteString(w, stale)
			},
			"in the same record": func(w io.Writer, first string) { _, _ = io.WriteString(w, first+stale) },
			"after an empty record": func(w io.Writer, first string) {
				_, _ = io.WriteString(w, first)
				_, _ = w.Write(nil)
				_, _ = io.WriteString(w, stale)
			},
		} {
			// Sizes at which an answer ends where a buffer does, too.
			for _, size := range []int{1, 4096 - 43, 4096, 8192, 12000} {
				t.Run(fmt.Sprintf("%s, %s, %d bytes", version, name, size), func(t *testing.T) {
					t.Parallel()
					url, client, connections := serveTLS(t, id, 0, func(w io.Writer, n int) { write(w, numbered(n, size)) })
					for n := 1; n <= 3; n++ {
						answer, err := client.Post(request(t, url))
						require.NoError(t, err)
						require.Equal(t, fmt.Sprintf("%0*d", size, n)[:min(size, 4096)], string(answer.Body))
						require.Zero(t, answer.Broken)
					}
					require.EqualValues(t, 3, connections.Load())
				})
			}
		}
	}
}

// The rest of it could come amid the next request.
func TestByTLSAConnectionThatBeganToSayMoreIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	for _, id := range versions {
		for _, cut := range []int{1, 62} { // amid a record, and about its header
			url, client, _ := serveTLS(t, id, cut, func(w io.Writer, n int) {
				_, _ = io.WriteString(w, numbered(n, 1))
				_, _ = io.WriteString(w, stale)
			})
			answer, err := client.Post(request(t, url))
			require.NoError(t, err)
			require.Equal(t, "1", string(answer.Body))
			require.Zero(t, client.Idle())
		}
	}
}

func TestByTLSAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	for version, id := range versions {
		for _, size := range []int{1, 4096 - 43, 4096, 20_000} {
			t.Run(fmt.Sprintf("%s, %d bytes", version, size), func(t *testing.T) {
				t.Parallel()
				url, client, connections := serveTLS(t, id, 0, func(w io.Writer, n int) { _, _ = io.WriteString(w, numbered(n, size)) })
				for range 10 {
					_, err := client.Post(request(t, url))
					require.NoError(t, err)
				}
				require.EqualValues(t, 1, connections.Load())
				require.Equal(t, 1, client.Idle())
			})
		}
	}
}

func TestAnAnswerThatComesWhileAConnectionIsIdleAnswersNothing(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	more := make(chan struct{})
	go func() {
		for n := 1; ; n++ { // the nth connection: none is used twice
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := conn.Read(make([]byte, 4096)); err != nil {
					return
				}
				_, _ = io.WriteString(conn, numbered(n, 1))
				<-more
				_, _ = io.WriteString(conn, stale)
				more <- struct{}{}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	client := newClient(t)
	for n := 1; n <= 3; n++ {
		answer, err := client.Post(request(t, "http://"+listener.Addr().String()))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(n), string(answer.Body))
		require.Equal(t, 1, client.Idle())
		more <- struct{}{}
		<-more
		require.Eventually(t, func() bool { return client.LookAtIdle() == 0 }, patience, time.Millisecond)
	}
}
