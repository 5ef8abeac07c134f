package sender

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// connector is a proxy that connects, or answers with a status.
func connector(t *testing.T, status int) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		onward, err := net.Dial("tcp", r.Host)
		if status != 0 || err != nil {
			w.WriteHeader(status)
			return
		}
		defer onward.Close()
		conn, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(onward, in)
			_ = onward.Close()
		}()
		_, _ = io.Copy(conn, onward)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	return u
}

func TestEveryFailureOfTheProxyHasItsReason(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	receiver := a.serve(time.Now().Add(time.Hour), false, func(http.ResponseWriter, *http.Request) {})
	closed := httptest.NewServer(nil)
	closed.Close()
	away, err := url.Parse(closed.URL)
	require.NoError(t, err)
	for _, c := range []struct {
		proxy  *url.URL
		url    string
		reason hook.Reason
		detail string
	}{
		{connector(t, 0), receiver, hook.ReasonNone, ""},
		{connector(t, 407), receiver, hook.ReasonProxyRefused, "egress proxy: the egress proxy refused: status 407"},
		{connector(t, 403), receiver, hook.ReasonProxyRefused, "egress proxy: the egress proxy refused: status 403"},
		{connector(t, 502), receiver, hook.ReasonConnect, "connect: the egress proxy did not reach it: status 502"},
		{away, receiver, hook.ReasonProxyUnreachable, "egress proxy: cannot be used"},
		{connector(t, 0), "https://10.0.0.1/", hook.ReasonForbidden, "connect: egress is forbidden: the address is private or reserved"},
	} {
		o := a.owner(egress.Policy{Proxy: c.proxy})
		out := o.post(sampleTask(), withAuth(t, c.url, nil))
		require.Equal(t, c.reason, out.reason, out.detail)
		require.Equal(t, c.detail, out.detail)
	}
}

// A token is fetched through the proxy too, and a failure on the way is the proxy's.
func TestATokenEndpointIsReachedThroughTheProxy(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	issuing, receiver := newIssuer(t), newGatekeeper(t, "Bearer token-1")
	out := a.owner(egress.Policy{Proxy: connector(t, 0)}).post(sampleTask(), withAuth(t, receiver.url, issuing.auth()))
	require.Equal(t, hook.ReasonNone, out.reason, out.detail)
	out = a.owner(egress.Policy{Proxy: connector(t, 403)}).post(sampleTask(), withAuth(t, receiver.url, issuing.auth()))
	require.Equal(t, hook.ReasonProxyRefused, out.reason)
	require.Equal(t, "token endpoint: egress proxy: the egress proxy refused: status 403", out.detail)
}
