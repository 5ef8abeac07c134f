package sender

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

const clientSecret = "s3cr3t/of the client+1"

// issuer is a token endpoint: it gives token-1, token-2 and so on.
type issuer struct {
	url    string
	asked  atomic.Int32
	issued atomic.Int32
	// instead, if set, answers in its place.
	instead atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if instead := i.instead.Load(); instead != nil {
			(*instead)(w, r)
			return
		}
		i.issue(w, r)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) issue(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != "client-1" || secret != "s3cr3t%2Fof+the+client%2B1" || r.FormValue("grant_type") != "client_credentials" ||
		r.FormValue("scope") != "hooks:write b" || r.FormValue("audience") != "https://example.com/" || r.UserAgent() != "Staffetta/test" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error": "invalid_client", "error_description": "not %s"}`, r.Header.Get("Authorization"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": "token-%d", "token_type": "bearer", "expires_in": 3600, "padding": "%s"}`, i.issued.Add(1), strings.Repeat("x", 8<<10))
}

func (i *issuer) answers(handler http.HandlerFunc) { i.instead.Store(&handler) }

func (i *issuer) auth() *hook.Auth {
	return &hook.Auth{
		Type: hook.AuthOAuth2, TokenURL: i.url + "/token", ClientID: "client-1", Scopes: []string{"hooks:write", "b"},
		Audience: "https://example.com/", Secret: []byte(clientSecret),
	}
}

// gatekeeper is a receiver that takes one token and answers others with 401.
type gatekeeper struct {
	url    string
	takes  atomic.Value // string
	mu     sync.Mutex
	shown  []string
	bodies []string
}

func newGatekeeper(t *testing.T, takes string) *gatekeeper {
	t.Helper()
	g := &gatekeeper{}
	g.takes.Store(takes)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.shown = append(g.shown, r.Header.Get("Authorization"))
		g.bodies = append(g.bodies, r.Header.Get("Webhook-Signature"))
		g.mu.Unlock()
		if takes := g.takes.Load(); takes != "" && r.Header.Get("Authorization") != takes {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, "no: %s", r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gatekeeper) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	shown := g.shown
	g.shown = nil
	return shown
}

func TestATokenIsFetchedOnceForManyRequests(t *testing.T) {
	t.Parallel()
	tokens, receiver, o := newIssuer(t), newGatekeeper(t, ""), testOwner()
	var wait sync.WaitGroup
	w := withAuth(t, receiver.url, tokens.auth())
	for range 20 {
		wait.Go(func() {
			out := o.post(sampleTask(), w)
			if out.reason != hook.ReasonNone {
				t.Error(out.reason, out.detail)
			}
		})
	}
	wait.Wait()
	require.Equal(t, int32(1), tokens.asked.Load())
	for _, shown := range receiver.requests() {
		require.Equal(t, "Bearer token-1", shown)
	}

	// A new snapshot of the account prepares the webhook anew; its token stays.
	o.post(sampleTask(), withAuth(t, receiver.url, tokens.auth()))
	require.Equal(t, int32(1), tokens.asked.Load())
	changed := tokens.auth()
	changed.Scopes = []string{"hooks:write b"}
	o.post(sampleTask(), withAuth(t, receiver.url, changed))
	require.Equal(t, int32(2), tokens.asked.Load(), "but not what was fetched with other credentials")
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, ""), testOwner()
	w := withAuth(t, receiver.url, issuing.auth())
	o.post(sampleTask(), w)
	source, ok := w.ready.auth.(*tokenSource)
	require.True(t, ok)
	require.WithinDuration(t, time.Now().Add(time.Hour-maxRenewal), source.now.renew, 10*time.Minute)
	age := func(until time.Time) { source.now.renew, source.now.until = time.Now().Add(-time.Second), until }

	age(time.Now().Add(time.Hour))
	o.post(sampleTask(), w)
	require.Equal(t, []string{"Bearer token-1", "Bearer token-2"}, receiver.requests())

	// While it is valid still, an endpoint that is away costs nobody a delivery.
	issuing.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	age(time.Now().Add(time.Hour))
	for range 2 {
		require.Equal(t, hook.ReasonNone, o.post(sampleTask(), w).reason)
	}
	require.Equal(t, []string{"Bearer token-2", "Bearer token-2"}, receiver.requests())
	require.Equal(t, int32(3), issuing.asked.Load(), "and it is not asked at once again")

	age(time.Now().Add(-time.Millisecond))
	out := o.post(sampleTask(), w)
	require.Equal(t, hook.ReasonTokenFailed, out.reason, "once it has ended there is none")
	require.Empty(t, receiver.requests())
}

func TestAfterA401AnotherTokenIsFetchedOnceAndTheRequestRepeatedOnce(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, "Bearer token-2"), testOwner()
	w := withAuth(t, receiver.url, issuing.auth())
	out := o.post(sampleTask(), w)
	require.Equal(t, hook.ReasonNone, out.reason, out.detail)
	require.Equal(t, []string{"Bearer token-1", "Bearer token-2"}, receiver.requests())
	require.Equal(t, receiver.bodies[0], receiver.bodies[1], "it is the same request")

	// Whatever token is refused: two requests, then one each, as it is not the token.
	receiver.takes.Store("Bearer none")
	out = o.post(sampleTask(), w)
	require.Equal(t, hook.ReasonStatus, out.reason)
	require.Equal(t, 401, out.status)
	require.NotContains(t, string(out.response), "token-")
	require.Equal(t, []string{"Bearer token-2", "Bearer token-3"}, receiver.requests())
	require.Equal(t, 401, o.post(sampleTask(), w).status)
	require.Equal(t, []string{"Bearer token-3"}, receiver.requests())
	require.Equal(t, int32(3), issuing.asked.Load())

	// One that was taken may be replaced again at once.
	receiver.takes.Store("Bearer token-3")
	require.Equal(t, hook.ReasonNone, o.post(sampleTask(), w).reason)
	receiver.takes.Store("Bearer token-4")
	require.Equal(t, hook.ReasonNone, o.post(sampleTask(), w).reason)
	require.Equal(t, []string{"Bearer token-3", "Bearer token-3", "Bearer token-4"}, receiver.requests())

	// No other token, no repetition.
	receiver.takes.Store("Bearer none")
	issuing.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	require.Equal(t, hook.ReasonTokenFailed, o.post(sampleTask(), w).reason)
	require.Len(t, receiver.requests(), 1)
}

func TestATokenThatDoesNotChangeIsNotWhatA401IsAbout(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, "Bearer none"), testOwner()
	issuing.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token": "same", "token_type": "bearer", "expires_in": 3600}`)
	})
	out := o.post(sampleTask(), withAuth(t, receiver.url, issuing.auth()))
	require.Equal(t, hook.ReasonStatus, out.reason, out.detail)
	require.Equal(t, 401, out.status)
	require.Equal(t, []string{"Bearer same"}, receiver.requests(), "and no request goes out without a token")
}

func TestATokenThatHasExpiredWhenItComesIsNone(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, ""), testOwner()
	issuing.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token": "old", "token_type": "bearer", "expires_in": -60}`)
	})
	out := o.post(sampleTask(), withAuth(t, receiver.url, issuing.auth()))
	require.Equal(t, hook.ReasonTokenFailed, out.reason, out.detail)
	require.Empty(t, receiver.requests())
}

func TestCredentialsMayBeTakenInTheBodyAlone(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, "Bearer body"), testOwner()
	issuing.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != "client-1" || r.FormValue("client_secret") != clientSecret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token": "body"}`)
	})
	w := withAuth(t, receiver.url, issuing.auth())
	for range 2 {
		require.Equal(t, hook.ReasonNone, o.post(sampleTask(), w).reason)
	}
	require.Equal(t, int32(2), issuing.asked.Load(), "the second way is remembered, and the token")
}

func TestEveryFailureOfATokenEndpointHasItsReason(t *testing.T) {
	t.Parallel()
	answering := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", r.URL.Path+"/elsewhere")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}
	}
	const json = "application/json"
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		url     string
		reason  hook.Reason
		verdict verdict
		detail  string
		asked   int32
	}{
		"refused": {answering(401, json, `{"error": "invalid_client", "error_description": "no s3cr3t/of the client+1"}`), "",
			hook.ReasonTokenRefused, failed, "token endpoint: status 401 Unauthorized: invalid_client: no ***", 2},
		"bad scope": {answering(400, json, `{"error": "invalid_scope"}`), "",
			hook.ReasonTokenRefused, failed, "token endpoint: status 400 Bad Request: invalid_scope", 2},
		"200 that is none": {answering(200, json, `{"error": "invalid_client"}`), "",
			hook.ReasonTokenRefused, failed, "token endpoint: status 200 OK: invalid_client", 2},
		"overloaded":  {answering(429, "", ""), "", hook.ReasonTokenFailed, away, "token endpoint: status 429 Too Many Requests", 1},
		"broken":      {answering(500, "", "oops"), "", hook.ReasonTokenFailed, away, "token endpoint: status 500 Internal Server Error", 1},
		"not there":   {answering(404, "", ""), "", hook.ReasonTokenFailed, away, "token endpoint: status 404 Not Found", 1},
		"redirect":    {answering(307, "", ""), "", hook.ReasonTokenFailed, away, "token endpoint: status 307 Temporary Redirect", 1},
		"no JSON":     {answering(200, json, "<html>"), "", hook.ReasonTokenFailed, away, "token endpoint: oauth2: cannot parse json", 1},
		"no token":    {answering(200, json, "{}"), "", hook.ReasonTokenFailed, away, "token endpoint: oauth2: server response missing access_token", 1},
		"bad token":   {answering(200, json, `{"access_token": "a\r\nX: y"}`), "", hook.ReasonTokenFailed, away, "token endpoint: the token is not of visible ASCII", 1},
		"closes":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", hook.ReasonTokenUnreachable, away, "token endpoint: read answer: ", 1},
		"unreachable": {nil, closed.URL + "/?key=hunter2hunter2", hook.ReasonTokenUnreachable, away, "token endpoint: connect: dial: connect: connection refused", 0},
		"no name":     {nil, "https://name.invalid/", hook.ReasonTokenUnreachable, away, "token endpoint: connect: lookup name.invalid: ", 0},
		"forbidden":   {nil, "https://10.0.0.1/token?key=hunter2hunter2", hook.ReasonForbidden, failed, "token endpoint: connect: dial: egress is forbidden", 0},
		"no URL":      {nil, "https://127.0.0.1:99999/?key=hunter2hunter2", hook.ReasonTokenFailed, away, "token endpoint: ", 0},
	} {
		issuing, receiver := newIssuer(t), newGatekeeper(t, "")
		auth := issuing.auth()
		if c.handler != nil {
			issuing.answers(c.handler)
		} else {
			auth.TokenURL = c.url
		}
		out := testOwner().post(sampleTask(), withAuth(t, receiver.url, auth))
		require.Equal(t, c.reason, out.reason, "%s: %s", name, out.detail)
		require.Equal(t, c.verdict, out.verdict(), name)
		require.True(t, strings.HasPrefix(out.detail, c.detail), "%s: %s", name, out.detail)
		require.Empty(t, leaked(out.detail, clientSecret), out.detail)
		require.NotContains(t, out.detail, "hunter2")
		require.Equal(t, c.asked, issuing.asked.Load(), name)
		require.Empty(t, receiver.requests(), "%s: no request without a token", name)
	}
}

// Who waits for a fetch that hangs ends in time, and a failure is shared: not each of
// them asks again.
func TestATokenEndpointThatHangsKeepsNobodyLongerThanItsTime(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, ""), testOwner()
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	issuing.answers(func(http.ResponseWriter, *http.Request) { <-done })
	w := withAuth(t, receiver.url, issuing.auth())
	w.Timeout = 300 * time.Millisecond
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if out := o.post(sampleTask(), w); out.reason != hook.ReasonTokenUnreachable {
				t.Error(out.reason, out.detail)
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, issuing.asked.Load(), int32(10))
	require.Empty(t, receiver.requests())
}

func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	var kept tokens
	s := testOwner().service
	for n := range maxTokens + 100 {
		kept.of(fmt.Sprint("wh_", n), &credentials{}, s)
	}
	require.Len(t, kept.sources, maxTokens)
}

// The endpoint is reached by the same rules as receivers are.
func TestATokenEndpointIsCheckedWhenItIsDialled(t *testing.T) {
	t.Parallel()
	issuing, receiver, o := newIssuer(t), newGatekeeper(t, ""), testOwner()
	o.service.Client = egress.NewClient(egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	auth := issuing.auth()
	auth.TokenURL = strings.Replace(auth.TokenURL, "127.0.0.1", "127.0.0.2", 1)
	out := o.post(sampleTask(), withAuth(t, receiver.url, auth))
	require.Equal(t, hook.ReasonForbidden, out.reason)
	require.Zero(t, issuing.asked.Load())
}
