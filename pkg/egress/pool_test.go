package egress_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	url, connections := script(t, ok, ok, ok, ok)
	client := newClient(t)
	for range 4 {
		_, err := client.Post(request(t, url))
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, connections.Load())
}

func TestAConnectionThatCannotBeUsedAgainIsNot(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"closes":            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"old":               "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"has no length":     "HTTP/1.1 200 OK\r\n\r\nok",
		"says too much":     ok + "HTTP/1.1 500 Oops\r\n\r\n",
		"keeps it for 1 s":  "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
		"keeps it for none": "HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=0\r\nContent-Length: 2\r\n\r\nok",
	} {
		url, _ := script(t, answer)
		client := newClient(t)
		answer, err := client.Post(request(t, url))
		require.NoError(t, err, name)
		require.Equal(t, "ok", string(answer.Body), name)
		require.Zero(t, client.Idle(), name)
	}
}

// Node.js keeps a connection for 5 s and says so: a request that met its closing
// would fail.
func TestAConnectionIsGivenUpBeforeItsReceiverDoes(t *testing.T) {
	t.Parallel()
	for keep, limit := range map[string]time.Duration{
		"": 30 * time.Second, "Keep-Alive: timeout=5\r\n": 4 * time.Second, "Keep-Alive: timeout=3600\r\n": 30 * time.Second,
	} {
		url, _ := script(t, "HTTP/1.1 200 OK\r\n"+keep+"Content-Length: 0\r\n\r\n")
		client := newClient(t)
		_, err := client.Post(request(t, url))
		require.NoError(t, err)
		client.Age(limit - time.Second)
		require.Equal(t, 1, client.Idle(), keep)
		client.Age(time.Second)
		require.Zero(t, client.Idle(), keep)
	}
}

func TestAReceiverThatClosedItsIdleConnectionsIsReachedAtOnce(t *testing.T) {
	t.Parallel()
	url, connections := script(t, ok) // closes after one answer, without a word
	client := newClient(t)
	for n := range 5 {
		_, err := client.Post(request(t, url))
		require.NoError(t, err)
		require.EqualValues(t, n+1, connections.Load())
		require.Eventually(t, func() bool { return client.LookAtIdle() == 0 }, patience, time.Millisecond)
	}
}

func TestWhatMayHaveBeenReceivedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	var received atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if received.Add(1) == 1 {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(receiver.Close)
	client := newClient(t)
	_, err := client.Post(request(t, receiver.URL))
	require.NoError(t, err)
	require.Equal(t, 1, client.Idle())
	_, err = client.Post(request(t, receiver.URL))
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, egress.StageAnswer, fault.Stage)
	require.EqualValues(t, 2, received.Load())
}

// A socket that is full takes the beginning of a request, and the rest later.
func TestByAConnectionThatIsUsedAgainARequestMayGoInPieces(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	wire := make(chan string, 1)
	r := request(t, "http://"+listener.Addr().String()+"/hook")
	r.Body = bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
	want := fmt.Sprintf("POST /hook HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", listener.Addr(), len(r.Body), r.Body)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(1) //nolint:errcheck // a listener of TCP
		got := make([]byte, len(want))
		for range 2 {
			for at := 0; at < len(got); {
				n, err := conn.Read(got[at:min(at+1000, len(got))])
				if err != nil {
					return
				}
				at += n
			}
			wire <- string(got)
			_, _ = io.WriteString(conn, ok)
		}
	}()
	client := newClient(t)
	for range 2 {
		answer, err := client.Post(r)
		require.NoError(t, err)
		require.Equal(t, "ok", string(answer.Body))
		require.True(t, want == <-wire)
		require.Equal(t, 1, client.Idle())
		client.NarrowIdle()
	}
}

func TestByAConnectionThatIsUsedAgainTheDeadlineHolds(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		room := make([]byte, 4096)
		_, _ = conn.Read(room)
		_, _ = io.WriteString(conn, ok)
		_, _ = io.Copy(io.Discard, conn)
	}()
	client := newClient(t)
	r := request(t, "http://"+listener.Addr().String())
	_, err := client.Post(r)
	require.NoError(t, err)
	require.Equal(t, 1, client.Idle())

	r.Deadline = time.Now().Add(100 * time.Millisecond)
	_, err = client.Post(r)
	var fault *egress.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, egress.StageAnswer, fault.Stage)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "read", op.Op)
	require.Zero(t, client.Idle())
}

func TestConcurrentRequestsHaveConnectionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const many = 50
	var arrived sync.WaitGroup
	arrived.Add(many)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait() // answers when all are here
	}))
	t.Cleanup(receiver.Close)
	client, r := newClient(t), request(t, receiver.URL)
	var done sync.WaitGroup
	for range many {
		done.Go(func() {
			_, err := client.Post(r)
			assert.NoError(t, err)
		})
	}
	done.Wait()
	require.Equal(t, many, client.Idle())
	client.Close()
	require.Zero(t, client.Idle())
}

func TestARequestThatEndsAfterCloseKeepsNoConnection(t *testing.T) {
	t.Parallel()
	arrived, closed := make(chan struct{}), make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-closed
	}))
	t.Cleanup(receiver.Close)
	client, r := newClient(t), request(t, receiver.URL)
	var done sync.WaitGroup
	done.Go(func() {
		_, err := client.Post(r)
		assert.NoError(t, err)
	})
	<-arrived
	client.Close()
	close(closed)
	done.Wait()
	require.Zero(t, client.Idle())
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	client := egress.NewClient(egress.Policy{})
	closed := &atomic.Int32{}
	for n := range egress.MaxIdle + 100 {
		client.PutIdle("host"+string(rune('a'+n%26)), pretended{closed: closed})
	}
	require.Equal(t, egress.MaxIdle, client.Idle())
	require.EqualValues(t, 100, closed.Load())
}

// pretended is a connection that only counts that it is closed.
type pretended struct {
	net.Conn
	closed *atomic.Int32
}

func (p pretended) Close() error {
	p.closed.Add(1)
	return nil
}
