package egress

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// usual is an answer as a server of Go gives it.
const usual = "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 03:33:51 GMT\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok"

func received(answer string) *bufio.Reader {
	in := bufio.NewReader(strings.NewReader(answer))
	_, _ = in.Peek(1)
	return in
}

func TestAPlainAnswer(t *testing.T) {
	t.Parallel()
	in := received("HTTP/1.1 503 Try later\r\nset-cookie: b \r\nRETRY-AFTER:\t7\r\nSet-Cookie: a\r\n" +
		"connection: Keep-Alive\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok more")
	p, ok := readPlain(in)
	require.True(t, ok)
	require.Equal(t, plain{status: 503, length: 2, header: []hook.Header{
		{Name: "Connection", Value: "Keep-Alive"}, {Name: "Content-Length", Value: "2"}, {Name: "Retry-After", Value: "7"},
		{Name: "Set-Cookie", Value: "b"}, {Name: "Set-Cookie", Value: "a"}, {Name: "X-Empty"},
	}}, p)
	rest, err := io.ReadAll(in)
	require.NoError(t, err)
	require.Equal(t, "ok more", string(rest))

	p, ok = readPlain(received("HTTP/1.1 204\r\n\r\n"))
	require.True(t, ok)
	require.Equal(t, plain{status: 204, header: []hook.Header{}}, p)
}

func TestWhatIsNotPlainIsLeftToNetHTTP(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"not all there":        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
		"too long":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + strings.Repeat("x", 4096) + "\r\n\r\n",
		"interim":              "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"old":                  "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":              "no HTTP at all\r\n\r\n",
		"status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"status of four":       "HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n",
		"status of letters":    "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"not modified":         "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"no length":            "HTTP/1.1 200 OK\r\n\r\n",
		"204 with a length":    "HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n",
		"two lengths":          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"two that differ":      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n",
		"lengths in a list":    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"signed length":        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
		"empty length":         "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"length above all":     "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
		"chunked":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		"closes":               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, close\r\n\r\n",
		"folded":               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a\r\n b\r\n\r\n",
		"folded at once":       "HTTP/1.1 200 OK\r\n X-A: a\r\nContent-Length: 5\r\n\r\n",
		"no colon":             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A\r\n\r\n",
		"no name":              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n: a\r\n\r\n",
		"space after a name":   "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
		"ended by LF":          "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n",
		"LF in a value":        "HTTP/1.1 200 OK\r\nX-A: a\nContent-Length: 5\r\n\r\n",
		"CR in a value":        "HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 5\r\n\r\n",
		"control character":    "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 5\r\n\r\n",
	} {
		in := received(head)
		before := in.Buffered()
		_, ok := readPlain(in)
		require.False(t, ok, name)
		require.Equal(t, before, in.Buffered(), "%s: nothing is taken", name)
	}
}

// Of what is plain net/http says the same: status, header, body, what comes after
// it, and that the connection stays.
func FuzzPlain(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte(usual + usual))
	f.Add([]byte("HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 500 \r\nx-a:  b \r\nX-A:c\t\r\ncontent-length: 10\r\n\r\nhalf"))
	f.Add([]byte("HTTP/1.1 200\r\nX: é\r\nContent-Length: 007\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nstale"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 6\r\n\r\nstale"))
	f.Add([]byte("HTTP/1.1 200 O\rK\nX: a\rContent-Length: 6\r\n\r\nstale"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nstale"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstale\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		ours := bufio.NewReader(bytes.NewReader(answer))
		_, _ = ours.Peek(1)
		p, ok := readPlain(ours)
		if !ok {
			return
		}
		theirs := bufio.NewReader(bytes.NewReader(answer))
		r, err := http.ReadResponse(theirs, post)
		require.NoError(t, err)
		require.Equal(t, r.StatusCode, p.status)
		require.Equal(t, listed(r.Header), p.header)
		require.Equal(t, r.ContentLength, p.length)
		require.False(t, r.Close)

		want, wantErr := io.ReadAll(r.Body)
		got, gotErr := io.ReadAll(&sized{in: ours, left: p.length})
		require.Equal(t, wantErr, gotErr)
		require.Equal(t, want, got)
		wantRest, _ := io.ReadAll(theirs)
		gotRest, _ := io.ReadAll(ours)
		require.Equal(t, wantRest, gotRest)
	})
}
