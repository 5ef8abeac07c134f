package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// providerTimeout bounds each thing that is asked of the provider.
	providerTimeout = 10 * time.Second
	// discoveredFor is how long what the provider says of itself counts; what it said
	// last counts on if it does not answer, and it is asked again after retryDiscovery.
	discoveredFor  = time.Hour
	retryDiscovery = time.Minute
	// maxSubject bounds a subject, in bytes (OpenID Connect Core, 2).
	maxSubject = 255
)

// Why a provider's answer lets nobody in; told by errors.Is.
var (
	// errProvider says that the provider does not answer, or not as one does.
	errProvider = errors.New("the provider does not answer")
	// errUnverified says that the provider does not vouch for the address.
	errUnverified = errors.New("the email address is not verified")
)

// errUnknown is the state of a provider that has not been found yet.
var errUnknown = errors.New("the provider has not been found yet")

// provider is an OpenID provider. It is looked for when it is needed: neither does it
// have to be there when the service starts, nor stay the same.
type provider struct {
	cfg      OIDC
	redirect string
	client   *http.Client
	now      func() time.Time
	flight   singleflight.Group

	mu    sync.Mutex
	known *oidc.Provider
	again time.Time // when to look for it again
	err   error     // why it was not found
}

func newProvider(cfg OIDC, redirect string, now func() time.Time) *provider {
	return &provider{
		cfg: cfg, redirect: redirect, now: now, err: errUnknown,
		client: &http.Client{Timeout: providerTimeout},
	}
}

func (p *provider) state() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// seek looks for the provider until it is found or ctx ends, so that the log says early
// if there is none.
func (p *provider) seek(ctx context.Context, log *zap.Logger) {
	const longest = time.Minute
	for pause := time.Second; ; pause = min(2*pause, longest) {
		_, err := p.find(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Warn("nobody can sign in to the portal; trying again", zap.String("issuer", p.cfg.Issuer), zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// find is the provider as it describes itself. errProvider.
func (p *provider) find(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	known, current := p.known, p.now().Before(p.again)
	p.mu.Unlock()
	if known != nil && current {
		return known, nil
	}
	// Those who come meanwhile wait for the same answer, whoever of them leaves.
	looking := p.flight.DoChan("", func() (any, error) { return p.discover(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errProvider, context.Cause(ctx))
	case done := <-looking:
		if done.Err != nil {
			return nil, fmt.Errorf("%w: %w", errProvider, done.Err)
		}
		return done.Val.(*oidc.Provider), nil //nolint:errcheck // it is what discover returns
	}
}

func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	ctx, cancel := p.context(ctx)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	if err == nil {
		p.known, p.again = found, p.now().Add(discoveredFor)
		return found, nil
	}
	if p.known == nil {
		return nil, err
	}
	p.again = p.now().Add(retryDiscovery)
	return p.known, nil
}

// context makes both libraries use the one client, in bounded time.
func (p *provider) context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(oidc.ClientContext(ctx, p.client), providerTimeout)
}

func (p *provider) oauth(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// loginURL is where a person signs in; another, if the provider is to ask who it is even
// if it knows somebody. errProvider.
func (p *provider) loginURL(ctx context.Context, asked pending, another bool) (string, error) {
	found, err := p.find(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(asked.Nonce), oauth2.S256ChallengeOption(asked.Verifier)}
	if another {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return p.oauth(found).AuthCodeURL(asked.State, options...), nil
}

// person is who signed in: the provider vouches for all of it.
type person struct {
	identity hook.Identity
	email    string
}

// claims are those that count.
type claims struct {
	Email    string `json:"email"`
	Verified truth  `json:"email_verified"`
	Party    string `json:"azp"`
}

// truth is true as a boolean or, as some providers have it, as a string.
type truth bool

// UnmarshalJSON takes anything else for false.
func (t *truth) UnmarshalJSON(text []byte) error {
	*t = string(text) == "true" || string(text) == `"true"`
	return nil
}

// redeem tells who signed in, for the code that the provider gave them. The error may be
// errProvider or errUnverified; any other one says why the answer is not to be believed.
func (p *provider) redeem(ctx context.Context, code string, asked pending) (person, error) {
	found, err := p.find(ctx)
	if err != nil {
		return person{}, err
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	token, err := p.oauth(found).Exchange(ctx, code, oauth2.VerifierOption(asked.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError:
		// The body is the provider's, and may be long.
		return person{}, fmt.Errorf("the code was refused with status %d: %s", refused.Response.StatusCode, refused.ErrorCode)
	case err != nil:
		return person{}, fmt.Errorf("%w: %w", errProvider, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return person{}, errors.New("there is no ID token")
	}
	// Issuer, audience, signature and time.
	id, err := found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return person{}, err
	}
	if id.Nonce != asked.Nonce {
		return person{}, errors.New("the ID token has another nonce")
	}
	var said claims
	if err := id.Claims(&said); err != nil {
		return person{}, fmt.Errorf("claims of the ID token: %w", err)
	}
	if said.Party != p.cfg.ClientID && (said.Party != "" || len(id.Audience) > 1) {
		return person{}, errors.New("the ID token was made for another party")
	}
	if said.Email == "" {
		// Providers may keep it out of the token (OpenID Connect Core, 5.4).
		if said, err = p.userInfo(ctx, found, token, id.Subject); err != nil {
			return person{}, err
		}
	}
	if id.Subject == "" || len(id.Subject) > maxSubject || strings.ContainsFunc(id.Subject, unicode.IsControl) {
		return person{}, errors.New("the ID token has no subject of 1 to 255 characters")
	}
	if !bool(said.Verified) || said.Email == "" || strings.ContainsFunc(said.Email, unicode.IsControl) {
		return person{}, errUnverified
	}
	return person{identity: hook.Identity{Issuer: id.Issuer, Subject: id.Subject}, email: said.Email}, nil
}

func (p *provider) userInfo(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string) (claims, error) {
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return claims{}, fmt.Errorf("%w: user info: %w", errProvider, err)
	}
	if info.Subject != subject {
		return claims{}, errors.New("the user info is of another subject")
	}
	return claims{Email: info.Email, Verified: truth(info.EmailVerified)}, nil
}
