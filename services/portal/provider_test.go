package portal_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	clientID     = "staffetta"
	clientSecret = "the-secret-of-staffetta"
	password     = "verysecure"
)

// provider is an OpenID provider, with people of its own.
type provider struct {
	*httptest.Server
	store *storage.Storage

	mu     sync.Mutex
	people map[string]*storage.User // by subject
	// tamper changes the claims of the ID tokens; nil: they stay.
	tamper func(claims map[string]any)
	// forged says that another key signs.
	forged bool
	// down says that all answers are 503.
	down bool
}

// newProvider starts one that sends people back to a portal.
func newProvider(t *testing.T, portal string) *provider {
	t.Helper()
	p := &provider{people: map[string]*storage.User{}}
	p.store = storage.NewStorageWithClients(p, map[string]*storage.Client{
		clientID: storage.WebClient(clientID, clientSecret, portal+"/portal/callback"),
	})
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, handler) }))
	t.Cleanup(p.Close)
	engine, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, CodeMethodS256: true}, p.store, op.StaticIssuer(p.URL),
		op.WithAllowInsecure())
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Sign in to continue: request %s", r.FormValue("authRequestID"))
	})
	answer := op.AuthCallbackURL(engine)
	mux.Handle("POST /login/username", op.NewIssuerInterceptor(engine.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.store.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), r.FormValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, answer(r.Context(), r.FormValue("id")), http.StatusFound)
	}))
	mux.Handle("/", engine)
	handler = mux
	return p
}

// has gives a person the provider: their user name is the subject too.
func (p *provider) has(subject, email string, verified bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[subject] = &storage.User{ID: subject, Username: subject, Password: password, Email: email, EmailVerified: verified}
}

// GetUserByID implements storage.UserStore.
func (p *provider) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.people[id]
}

// GetUserByUsername implements storage.UserStore.
func (p *provider) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID implements storage.UserStore.
func (p *provider) ExampleClientID() string { return "service" }

// turn makes the provider a bad one, or a good one again.
func (p *provider) turn(tamper func(map[string]any), forged, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tamper, p.forged, p.down = tamper, forged, down
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	p.mu.Lock()
	tamper, forged, down := p.tamper, p.forged, p.down
	p.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path != "/oauth/token" || tamper == nil && !forged {
		next.ServeHTTP(w, r)
		return
	}
	held := httptest.NewRecorder()
	next.ServeHTTP(held, r)
	body, err := p.tampered(r, held.Body.Bytes(), tamper, forged)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(held.Code)
	_, _ = w.Write(body)
}

// tampered is an answer with another ID token, signed with the provider's key, or with
// one that pretends to be.
func (p *provider) tampered(r *http.Request, body []byte, tamper func(map[string]any), forged bool) ([]byte, error) {
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	raw, ok := answer["id_token"].(string)
	if !ok {
		return body, nil
	}
	token, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(token.UnsafePayloadWithoutVerification()))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		return nil, err
	}
	if tamper != nil {
		tamper(claims)
	}
	own, err := p.store.SigningKey(r.Context())
	if err != nil {
		return nil, err
	}
	key := own.Key()
	if forged {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: own.ID()}}, nil)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, err
	}
	if answer["id_token"], err = signed.CompactSerialize(); err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// page is what a browser shows.
type answer struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

// browser keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	client *http.Client
	// token is that of the forms of the page that was opened last.
	token *string
}

func (b browser) get(to string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, to, http.NoBody)
	require.NoError(b.t, err)
	return b.send(r)
}

// post sends a form as a page of the same site does, unless headers say else.
func (b browser) post(to string, form url.Values, headers ...string) answer {
	b.t.Helper()
	sent := url.Values{"token": {*b.token}}
	maps.Copy(sent, form)
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to, bytes.NewBufferString(sent.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.send(r)
}

func (b browser) send(r *http.Request) answer {
	b.t.Helper()
	got, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(b.t, err)
	if _, after, found := strings.Cut(string(body), `data-token="`); found {
		*b.token, _, _ = strings.Cut(after, `"`)
	}
	return answer{status: got.StatusCode, url: got.Request.URL, header: got.Header, body: string(body)}
}

// stays gives a browser with the same cookies that follows no redirect.
func (b browser) stays() browser {
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return browser{b.t, &client, b.token}
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
