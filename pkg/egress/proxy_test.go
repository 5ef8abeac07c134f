package egress_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// connector is a proxy that takes CONNECT of who knows its password.
type connector struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	// answer, if set, answers in its place.
	answer func(w http.ResponseWriter, r *http.Request)
}

func newConnector(t *testing.T, secure bool) *connector {
	t.Helper()
	p := &connector{}
	p.Server = httptest.NewUnstartedServer(p)
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *connector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Host)
	answer := p.answer
	p.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
		return
	case r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpodW50ZXIy": // user:hunter2
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	onward, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer onward.Close()
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(onward, in)
		_ = onward.Close()
	}()
	_, _ = io.Copy(conn, onward)
}

func (p *connector) answers(answer func(w http.ResponseWriter, r *http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *connector) connects() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// at is the proxy's URL.
func (p *connector) at(t *testing.T, user *url.Userinfo) *url.URL {
	t.Helper()
	u, err := url.Parse(p.URL)
	require.NoError(t, err)
	u.User = user
	return u
}

var user = url.UserPassword("user", "hunter2")

// proxied posts through a proxy and trusts it and the receivers.
func proxied(t *testing.T, allow []netip.Prefix, via *url.URL, trusted ...*httptest.Server) *egress.Client {
	t.Helper()
	roots := x509.NewCertPool()
	for _, server := range trusted {
		if server.Certificate() != nil {
			roots.AddCert(server.Certificate())
		}
	}
	client := egress.NewClient(egress.Policy{Allow: allow, Proxy: via, Roots: roots})
	t.Cleanup(client.Close)
	return client
}

func TestAProxyIsAskedForTheAddressThatWasCheckedAndItsConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %d %t", r.Host, r.RequestURI, len(body), r.Header.Get("Proxy-Authorization") == "")
	})
	byTLS, byHTTP := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	t.Cleanup(byTLS.Close)
	t.Cleanup(byHTTP.Close)
	known, server := serveNames(t, map[string][]string{"example.com": {"127.0.0.1", "127.0.0.2"}})
	for _, secure := range []bool{false, true} {
		proxy := newConnector(t, secure)
		for _, receiver := range []string{byTLS.URL, byHTTP.URL} {
			client := proxied(t, loopback, proxy.at(t, user), byTLS, proxy.Server)
			client.ResolveBy(server)
			known.forget()
			target := strings.Replace(receiver, "127.0.0.1", "example.com", 1)
			u, err := url.Parse(target)
			require.NoError(t, err)
			for range 3 {
				r := request(t, target+"/hook?x=1")
				r.Body = []byte(strings.Repeat("x", 100_000))
				answer, err := client.Post(r)
				require.NoError(t, err, "%s through %s", receiver, proxy.URL)
				require.Equal(t, u.Host+" /hook?x=1 100000 true", string(answer.Body))
				require.Equal(t, 1, client.Idle())
			}
			address := "127.0.0.1:" + u.Port()
			require.Equal(t, []string{"CONNECT " + address + " " + address}, proxy.connects(), "by address, and once")
			require.Equal(t, 1, known.timesAsked("example.com"))
		}
	}
}

func TestThroughAProxyATargetIsCheckedBeforeItIsAskedFor(t *testing.T) {
	t.Parallel()
	proxy := newConnector(t, false)
	_, server := serveNames(t, map[string][]string{"private.example.com": {"127.0.0.2 10.0.0.1 ::1"}, "public.example.com": {"93.184.216.34"}})
	// The proxy is at 127.0.0.1, which no delivery may reach.
	client := proxied(t, nil, proxy.at(t, user))
	client.ResolveBy(server)
	for _, url := range []string{
		"https://private.example.com/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://public.example.com:22/",
		"http://public.example.com/", proxy.URL,
	} {
		_, err := client.Post(request(t, url))
		require.ErrorIs(t, err, egress.ErrForbidden, url)
	}
	require.Empty(t, proxy.connects())
	_, err := client.Post(request(t, "https://name.invalid/"))
	var unknown *net.DNSError
	require.ErrorAs(t, err, &unknown)
}

func TestAProxyThatIsNoUseIsToldApartFromTheReceiver(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(receiver.Close)
	closed := newConnector(t, false)
	closed.Close()
	untrusted := newConnector(t, true)
	raw := func(said string) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(conn, said)
				_ = conn.Close()
			}
		}
	}
	status := func(code int) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	done := make(chan struct{})
	const useless = "egress proxy: cannot be used"
	for name, c := range map[string]struct {
		proxy   *connector
		user    *url.Userinfo
		answer  func(w http.ResponseWriter, r *http.Request)
		stage   egress.Stage
		refused bool
		shown   string
	}{
		"no password":     {newConnector(t, false), nil, nil, egress.StageProxy, true, "egress proxy: the egress proxy refused: status 407"},
		"wrong password":  {newConnector(t, true), url.UserPassword("user", "wrong"), nil, egress.StageProxy, true, "egress proxy: the egress proxy refused: status 407"},
		"not that one":    {newConnector(t, false), user, status(403), egress.StageProxy, true, "egress proxy: the egress proxy refused: status 403"},
		"a redirect":      {newConnector(t, false), user, status(302), egress.StageProxy, true, "egress proxy: the egress proxy refused: status 302"},
		"closed":          {closed, user, nil, egress.StageProxy, false, useless},
		"not trusted":     {untrusted, user, nil, egress.StageProxy, false, useless},
		"ends":            {newConnector(t, false), user, raw(""), egress.StageProxy, false, useless},
		"babbles":         {newConnector(t, false), user, raw("no HTTP at all\r\n\r\n"), egress.StageProxy, false, useless},
		"speaks too soon": {newConnector(t, false), user, raw("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), egress.StageProxy, false, useless},
		"receiver away":   {newConnector(t, false), user, status(502), egress.StageConnect, false, "connect: the egress proxy did not reach it: status 502"},
		"receiver slow":   {newConnector(t, false), user, status(504), egress.StageConnect, false, "connect: the egress proxy did not reach it: status 504"},
		"hangs": {newConnector(t, false), user, func(http.ResponseWriter, *http.Request) { <-done }, egress.StageConnect, false,
			"connect: read: i/o timeout"},
		"not TLS": {newConnector(t, false), user, raw("HTTP/1.1 200 OK\r\n\r\n"), egress.StageTLS, false, "TLS handshake: EOF"},
	} {
		if name == "hangs" {
			t.Cleanup(func() { close(done) }) // before its server is closed
		}
		c.proxy.answers(c.answer)
		via := c.proxy.at(t, c.user)
		if name == "not trusted" {
			via.Host = strings.Replace(via.Host, "127.0.0.1", "localhost", 1) // not in its certificate
		}
		client := proxied(t, loopback, via, receiver, c.proxy.Server)
		r := request(t, receiver.URL)
		if name == "hangs" {
			r.Deadline = time.Now().Add(500 * time.Millisecond)
		}
		_, err := client.Post(r)
		var fault *egress.Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, c.stage, fault.Stage, "%s: %v", name, err)
		if c.refused {
			require.ErrorIs(t, err, egress.ErrProxyRefused, name)
		}
		require.Contains(t, fault.Shown(), c.shown, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheNextAddressIsTriedIfAProxyDoesNotReachTheFirst(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	_, server := serveNames(t, map[string][]string{"two.example.com": {"127.0.0.3 127.0.0.1"}}) // nobody listens at the first
	proxy := newConnector(t, false)
	client := proxied(t, loopback, proxy.at(t, user))
	client.ResolveBy(server)
	answer, err := client.Post(request(t, strings.Replace(receiver.URL, "127.0.0.1", "two.example.com", 1)))
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	require.Contains(t, []int{1, 2}, len(proxy.connects()), "in whatever order")
}
