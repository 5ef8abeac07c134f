package sender

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// tokenTimeout bounds the wait for a token endpoint.
	tokenTimeout = 10 * time.Second
	// maxRenewal is how long before its end at most a token is renewed, or a fifth of
	// its life: longer than any request takes.
	maxRenewal = time.Minute
	// renewalPause is how long a token that could not be renewed, and is valid still, is
	// used before the next try.
	renewalPause = 5 * time.Second
	// doubtTime is for how long a token that was fetched because of a 401, and met
	// another, is not replaced again: it is not the token then.
	doubtTime = time.Minute
	// maxTokens bounds the webhooks whose tokens are kept, at about 2 KiB 20 MB; one
	// that is forgotten is fetched again.
	maxTokens = 10_000
)

// tokens are the sources of access tokens, by webhook. They outlive the snapshots of
// an account, each of which prepares its webhooks anew. The zero value is ready.
type tokens struct {
	mu      sync.Mutex
	sources map[string]*tokenSource
}

// of gives a webhook's source: the one that there is, unless its auth was changed.
func (t *tokens) of(webhook string, c *credentials, s *Service) *tokenSource {
	a := c.auth
	made := sha256.Sum256([]byte(strings.Join(append([]string{a.TokenURL, a.ClientID, a.Audience, c.secret}, a.Scopes...), "\x00")))
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.sources[webhook]; ok && known.made == made {
		return known
	}
	if t.sources == nil {
		t.sources = map[string]*tokenSource{}
	}
	for some := range t.sources {
		if len(t.sources) < maxTokens {
			break
		}
		delete(t.sources, some)
	}
	source := &tokenSource{
		made: made, turn: make(chan struct{}, 1),
		config: clientcredentials.Config{
			ClientID: a.ClientID, ClientSecret: c.secret, TokenURL: a.TokenURL, Scopes: a.Scopes, AuthStyle: oauth2.AuthStyleInHeader,
		},
		client: &http.Client{
			Transport:     endpoint{client: s.Client, userAgent: s.UserAgent},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if a.Audience != "" {
		source.config.EndpointParams = url.Values{"audience": {a.Audience}}
	}
	t.sources[webhook] = source
	return source
}

// tokenSource fetches tokens with a client's credentials (RFC 6749, 4.4), one at a
// time.
type tokenSource struct {
	made   [sha256.Size]byte // of what
	client *http.Client
	// turn is held by who fetches; config, styled, failure and failed are his.
	turn   chan struct{}
	config clientcredentials.Config
	// styled says that the endpoint has taken the credentials as they are sent.
	styled bool
	// failure is why the last fetch gave no token; nil if it gave one. failed is when.
	failure error
	failed  time.Time

	mu  sync.Mutex
	now token
}

// token is an access token; without a value there is none.
type token struct {
	value string // of an Authorization
	// fetched is when; renew when to fetch the next one; until when it ends. Zero:
	// never.
	fetched, renew, until time.Time
	// doubted says that it was fetched because of a 401, and that no request has shown
	// yet that it helped.
	doubted bool
}

// errSameToken says that the endpoint gives the refused token again.
var errSameToken = errors.New("the token endpoint gives the same token again")

// get gives the value of an Authorization, other than the refused one. Who waits while
// another one fetches shares what comes of it. The error is errSameToken or a
// *tokenError.
func (s *tokenSource) get(deadline time.Time, refused string) (string, error) {
	asked := time.Now()
	if value := s.good(asked, refused); value != "" {
		return value, nil
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-timer.C:
		return "", &tokenError{reason: hook.ReasonTokenUnreachable, err: os.ErrDeadlineExceeded}
	}
	if value := s.good(asked, refused); value != "" {
		return value, nil
	}
	if !s.failed.After(asked) {
		s.fetch(deadline, refused)
	}
	value := s.good(time.Now(), refused)
	switch {
	case value != "":
		return value, nil
	case s.failure != nil:
		return "", s.failure
	case refused != "":
		return "", errSameToken
	default:
		return "", &tokenError{reason: hook.ReasonTokenFailed, err: errors.New("the token had expired when it came")}
	}
}

// good is a token that need not be renewed yet, and is not the refused one.
func (s *tokenSource) good(now time.Time, refused string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.value == refused || !s.now.renew.IsZero() && now.After(s.now.renew) {
		return ""
	}
	return s.now.value
}

// fetch puts another token in place of the one that there is, or sets failure. If that
// one is still valid it serves on, and the next try is a little later.
func (s *tokenSource) fetch(deadline time.Time, refused string) {
	if soon := time.Now().Add(tokenTimeout); soon.Before(deadline) {
		deadline = soon
	}
	ctx, cancel := context.WithDeadline(context.WithValue(context.Background(), oauth2.HTTPClient, s.client), deadline)
	defer cancel()
	got, err := s.ask(ctx)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failure, s.failed = tokenFailure(err), now
		if s.now.value != refused && now.Before(s.now.until) {
			s.now.renew = earlier(now.Add(renewalPause), s.now.until)
		}
		return
	}
	s.failure = nil
	s.now = token{value: got.Type() + " " + got.AccessToken, fetched: now, until: got.Expiry, doubted: refused != ""}
	if !got.Expiry.IsZero() {
		s.now.renew = got.Expiry.Add(-min(maxRenewal, got.Expiry.Sub(now)/5))
	}
}

// ask sends the credentials as RFC 6749, 2.3.1 wants, or in the body to an endpoint
// that takes them nowhere else.
func (s *tokenSource) ask(ctx context.Context) (*oauth2.Token, error) {
	got, err := s.config.Token(ctx)
	if refusal := (*oauth2.RetrieveError)(nil); errors.As(err, &refusal) && !s.styled && refuses(refusal) {
		s.config.AuthStyle = oauth2.AuthStyleInHeader + oauth2.AuthStyleInParams - s.config.AuthStyle // the other one
		if other, otherErr := s.config.Token(ctx); otherErr == nil {
			got, err = other, nil
		}
	}
	if err != nil {
		return nil, err
	}
	s.styled = true
	if !visible(got.AccessToken) || !visible(got.Type()) {
		return nil, errors.New("the token is not of visible ASCII characters")
	}
	return got, nil
}

// helped notes that a receiver took a token.
func (s *tokenSource) helped(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.value == value {
		s.now.doubted = false
	}
}

// doubtful reports whether a token that a receiver refused was fetched lately because
// of another refusal: then it is not the token.
func (s *tokenSource) doubtful(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.value == value && s.now.doubted && time.Since(s.now.fetched) < doubtTime
}

// post makes a request with a token. After a 401 it fetches another one, once, and
// repeats the request: whoever answers 401 has not taken it.
func (s *tokenSource) post(client Client, to *egress.Destination, p *paper, deadline time.Time) (egress.Answer, error) {
	value, err := s.get(deadline, "")
	if err != nil {
		return egress.Answer{}, err
	}
	p.header = append(p.header, hook.Header{Name: authorization})
	answer, err := s.postWith(value, client, to, p, deadline)
	if err != nil || answer.Status != http.StatusUnauthorized || s.doubtful(value) {
		return answer, err
	}
	other, err := s.get(deadline, value)
	switch {
	case errors.Is(err, errSameToken):
		return answer, nil // the token is not what it is about
	case err != nil:
		return egress.Answer{}, err
	}
	return s.postWith(other, client, to, p, deadline)
}

// postWith makes a request with a token, whose place is the last line of its header.
func (s *tokenSource) postWith(value string, client Client, to *egress.Destination, p *paper, deadline time.Time) (egress.Answer, error) {
	p.header[len(p.header)-1].Value = value
	answer, err := client.Post(p.request(to, deadline))
	if err == nil && answer.Status != http.StatusUnauthorized {
		s.helped(value)
	}
	return answer, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func visible(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
