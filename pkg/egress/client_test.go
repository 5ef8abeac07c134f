package egress_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// patience is long beside anything that a test waits for.
const patience = 30 * time.Second

func newClient(t *testing.T) *egress.Client {
	t.Helper()
	client := egress.NewClient(egress.Policy{Allow: loopback})
	t.Cleanup(client.Close)
	return client
}

func to(t *testing.T, url string) *egress.Destination {
	t.Helper()
	d, err := egress.NewDestination(url)
	require.NoError(t, err)
	return d
}

// request is a small one that a receiver has time for.
func request(t *testing.T, url string) egress.Request {
	t.Helper()
	return egress.Request{To: to(t, url), Body: []byte(`{"a":1}`), Deadline: time.Now().Add(patience)}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	return listenAt(t, "127.0.0.1:0")
}

func listenAt(t testing.TB, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// script is a receiver that reads a request on each connection and answers it as
// told, byte for byte; an answer that is not there closes the connection.
func script(t *testing.T, answers ...string) (url string, connections *atomic.Int32) {
	t.Helper()
	listener := listen(t)
	connections = &atomic.Int32{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for _, answer := range answers {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(conn, answer)
				}
				// Not a reset: what was not read yet would be lost with it.
				_ = conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // a listener of TCP
				_, _ = io.Copy(io.Discard, in)
			}()
		}
	}()
	return "http://" + listener.Addr().String(), connections
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestARequestOnTheWire(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	wire := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		got := make([]byte, 4096)
		n, _ := conn.Read(got)
		wire <- string(got[:n])
		_, _ = io.WriteString(conn, ok)
	}()
	address := listener.Addr().String()
	r := request(t, "http://"+address+"/hooks/7?a=b%20c")
	r.Header = []hook.Header{{Name: "User-Agent", Value: "Staffetta/dev"}, {Name: "Webhook-Id", Value: "dlv_1"}}
	answer, err := newClient(t).Post(r)
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	require.Equal(t, "ok", string(answer.Body))
	require.Equal(t, "POST /hooks/7?a=b%20c HTTP/1.1\r\nHost: "+address+"\r\nContent-Length: 7\r\n"+
		"User-Agent: Staffetta/dev\r\nWebhook-Id: dlv_1\r\n\r\n"+`{"a":1}`, <-wire)
}

func TestAHeaderThatWouldBreakTheRequestIsRefused(t *testing.T) {
	t.Parallel()
	for _, h := range []hook.Header{
		{Name: "X-A", Value: "a\r\nX-B: b"}, {Name: "X-A", Value: "a\x00"}, {Name: "X A", Value: "a"}, {Name: "", Value: "a"}, {Name: "X-A:", Value: "a"},
	} {
		r := request(t, "http://127.0.0.1:1/")
		r.Header = []hook.Header{h}
		_, err := newClient(t).Post(r)
		require.ErrorIs(t, err, egress.ErrHeader, "%q", h)
	}
}

func TestBodiesOfEverySizeArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %d %t", r.ContentLength, len(body), bytes.Count(body, []byte("x")) == len(body))
	}))
	t.Cleanup(receiver.Close)
	client := newClient(t)
	for _, size := range []int{0, 1, 4 << 10, 16 << 10, 16<<10 + 1, 900_000} {
		r := request(t, receiver.URL)
		r.Body = bytes.Repeat([]byte("x"), size)
		answer, err := client.Post(r)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d %d true", size, size), string(answer.Body))
	}
	require.Equal(t, 1, client.Idle(), "one connection did them all")
}

func TestTheAddressThatIsDialledDecides(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	t.Cleanup(receiver.Close)
	// A name says nothing about where it leads.
	byName := strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1)

	for _, url := range []string{receiver.URL, byName} {
		_, err := egress.NewClient(egress.Policy{AllowHTTP: true}).Post(request(t, url))
		require.ErrorIs(t, err, egress.ErrForbidden)

		answer, err := newClient(t).Post(request(t, url))
		require.NoError(t, err)
		require.Equal(t, 204, answer.Status)
		require.Empty(t, answer.Body)
	}
}

func TestRedirectsAreNotFollowedAndCookiesNotKept(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(receiver.Close)
	client := newClient(t)
	for range 2 {
		answer, err := client.Post(request(t, receiver.URL))
		require.NoError(t, err)
		require.Equal(t, http.StatusTemporaryRedirect, answer.Status)
	}
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	t.Parallel()
	const interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	url, _ := script(t, "HTTP/1.1 100 Continue\r\n\r\n"+interim+ok)
	answer, err := newClient(t).Post(request(t, url))
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)

	url, _ = script(t, "HTTP/1.1 099 Low\r\n\r\n")
	_, err = newClient(t).Post(request(t, url))
	require.ErrorIs(t, err, egress.ErrMalformed)

	url, _ = script(t, strings.Repeat(interim, 6)+ok)
	_, err = newClient(t).Post(request(t, url))
	require.ErrorIs(t, err, egress.ErrMalformed)

	url, _ = script(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	client := newClient(t)
	answer, err = client.Post(request(t, url))
	require.NoError(t, err)
	require.Equal(t, 101, answer.Status, "nobody asked for another protocol")
	require.Zero(t, client.Idle())
}

func TestWhatIsReadOfAnAnswerIsBounded(t *testing.T) {
	t.Parallel()
	url, _ := script(t, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 65<<10)+"\r\n\r\n")
	_, err := newClient(t).Post(request(t, url))
	require.ErrorIs(t, err, egress.ErrMalformed)
	require.ErrorContains(t, err, "65536 bytes")

	for _, c := range []struct{ size, idle int }{{4 << 10, 1}, {60 << 10, 1}, {1 << 20, 0}} {
		url, _ = script(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", c.size, strings.Repeat("x", c.size)))
		client := newClient(t)
		answer, err := client.Post(request(t, url))
		require.NoError(t, err)
		require.NoError(t, answer.Broken, "too long is not broken")
		require.Len(t, answer.Body, 4<<10)
		require.Equal(t, c.idle, client.Idle(), "body of %d bytes", c.size)
	}
}

func TestAStatusStandsThoughItsBodyBreaks(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"Content-Length: 10\r\n\r\nhalf",
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n",
	} {
		url, _ := script(t, "HTTP/1.1 200 OK\r\n"+body)
		client := newClient(t)
		answer, err := client.Post(request(t, url))
		require.NoError(t, err)
		require.Equal(t, 200, answer.Status)
		require.Equal(t, "half", string(answer.Body))
		require.Error(t, answer.Broken)
		require.Zero(t, client.Idle())
	}
}

func TestAnAnswerBeforeTheWholeRequestCounts(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 10))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		_ = conn.Close() // resets: there is more to be read
	}()
	r := request(t, "http://"+listener.Addr().String())
	r.Body = make([]byte, 16<<20) // more than any buffer between
	answer, err := newClient(t).Post(r)
	require.NoError(t, err)
	require.Equal(t, 413, answer.Status)
}
