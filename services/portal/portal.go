// Package portal serves the portal, under /portal/: who may see it, and its pages.
// People come by a portal link, sign in at an OpenID provider, or show an API key; each
// makes a session, which a cookie names.
package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/audit"
	"github.com/staffetta/staffetta/services/portal/deliveries"
	"github.com/staffetta/staffetta/services/portal/notifications"
	"github.com/staffetta/staffetta/services/portal/page"
	"github.com/staffetta/staffetta/services/portal/quarantine"
	"github.com/staffetta/staffetta/services/portal/replays"
	"github.com/staffetta/staffetta/services/portal/settings"
	"github.com/staffetta/staffetta/services/portal/subscribe"
	"github.com/staffetta/staffetta/services/portal/trial"
	"github.com/staffetta/staffetta/services/portal/usage"
	"github.com/staffetta/staffetta/services/portal/webhooks"
)

// Guests knows portal links and API keys.
type Guests interface {
	// Holder tells whose key a text is. apiauth.ErrUnauthorized, apiauth.ErrAdminKey.
	Holder(ctx context.Context, text string) (apiauth.Principal, error)
	// Guest tells who comes by the token of one. apiauth.ErrUnauthorized.
	Guest(ctx context.Context, token string) (apiauth.Principal, error)
}

// Sealer encrypts what a browser keeps; context says what it is.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// OIDC is the provider at which members sign in.
type OIDC struct {
	Issuer, ClientID, ClientSecret string
}

// Config of a Service. Fields without a default are required.
type Config struct {
	Sessions hook.Sessions
	// API answers requests under /v1/: what the portal does, it does by those.
	API    http.Handler
	Guests Guests
	Seal   Sealer
	// OIDC; nil: members do not sign in, and portal links and API keys alone lead here. With
	// it PublicURL is required.
	OIDC *OIDC
	// PublicURL is where browsers find this installation, without a slash at the end;
	// empty: at the root of wherever they asked.
	PublicURL string
	// FrameAncestors are the origins whose pages may embed the portal. With one, cookies
	// go along in frames, for which PublicURL has to be an https: URL.
	FrameAncestors []string
	// Trial is a receiver to try webhooks out with; nil: there is none.
	Trial *trial.Receiver
	// TraceURL is where a trace is shown, with {traceId} in it; empty: nowhere.
	TraceURL string
	// TrustedProxies as in the API.
	TrustedProxies []netip.Prefix
	Log            *zap.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Service serves the portal.
type Service struct {
	cfg      Config
	log      *zap.Logger
	now      func() time.Time
	cookies  cookies
	provider *provider // nil without OIDC
	guesses  *guesses
	kit      *page.Kit
	// home is for who is not signed in, session for who is.
	home, session *page.Template
	policy        string
	handler       http.Handler
	// ending ends when Run's context does.
	ending     context.Context //nolint:containedctx // of the process, not of a call
	endStreams context.CancelFunc
}

// New makes a service; it does no I/O. The error says what is wrong with cfg.
func New(cfg Config) (*Service, error) {
	if cfg.Sessions == nil || cfg.API == nil || cfg.Guests == nil || cfg.Seal == nil || cfg.Log == nil {
		return nil, errors.New("portal: Sessions, API, Guests, Seal and Log are required")
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("portal: PublicURL: %w", err)
	}
	secure := public.Scheme == "https"
	if cfg.OIDC != nil && public.Host == "" {
		return nil, errors.New("portal: OIDC requires PublicURL")
	}
	if len(cfg.FrameAncestors) > 0 && !secure {
		return nil, errors.New("portal: FrameAncestors require an https: PublicURL")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{
		cfg: cfg, log: cfg.Log, now: cfg.Now,
		cookies: cookies{secure: secure, framed: len(cfg.FrameAncestors) > 0},
		policy:  policy(cfg.FrameAncestors),
		guesses: newGuesses(cfg.Now),
	}
	if cfg.OIDC != nil {
		s.provider = newProvider(*cfg.OIDC, cfg.PublicURL+"/portal/callback", cfg.Now)
	}
	s.ending, s.endStreams = context.WithCancel(context.Background())
	s.kit, err = page.New(page.Config{
		TraceURL: cfg.TraceURL, Ending: s.ending.Done(),
		API: cfg.API, Home: public.EscapedPath() + "/portal/", Visitor: s.pageVisitor, SignIn: s.signIn(),
		SetCookie: s.cookies.set, Cookie: s.cookies.get, Log: cfg.Log, Now: cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	var errHome, errSession error
	s.home, errHome = s.kit.Template(templates, "home.html", "", homeWords)
	s.session, errSession = s.kit.Template(templates, "session.html", "session", homeWords)
	if err := errors.Join(errHome, errSession); err != nil {
		return nil, err
	}
	s.handler, err = s.routes(public)
	return s, err
}

// pages are those behind the sign-in, each with what it is about.
var pages = []func(*http.ServeMux, *page.Kit) error{
	webhooks.Register,
	deliveries.Register,
	replays.Register,
	usage.Register,
	quarantine.Register,
	notifications.Register,
	settings.Register,
	audit.Register,
}

// firstPage is where who signs in is led.
const firstPage = "webhooks"

// Handler serves /portal/, and leads there from /.
func (s *Service) Handler() http.Handler { return s.handler }

func (s *Service) routes(public *url.URL) (http.Handler, error) {
	mux := http.NewServeMux()
	lead := func(w http.ResponseWriter, r *http.Request) { s.kit.Redirect(w, r, "") }
	mux.HandleFunc("GET /{$}", lead)
	mux.HandleFunc("GET /portal", lead)
	mux.HandleFunc("GET /portal/{$}", s.showHome)
	mux.HandleFunc("GET /portal/login", s.acting(s.login))
	mux.HandleFunc("GET /portal/callback", s.acting(s.callback))
	mux.HandleFunc("POST /portal/key", s.enterByKey)
	mux.HandleFunc("GET /portal/key", lead)
	mux.HandleFunc("GET /portal/session", s.kit.Read("", s.showSession))
	mux.HandleFunc("POST /portal/logout", s.kit.Stay(s.logout))
	mux.HandleFunc("POST /portal/account", s.kit.Stay(s.chooseAccount))
	mux.HandleFunc("POST /portal/look", s.kit.ChooseLook)
	mux.HandleFunc("GET /portal/assets/{name}", s.kit.Asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.kit.Tell(w, r, page.NotFound) })
	if s.cfg.Trial != nil {
		mux.Handle("POST /portal/trial/{account}/{proof}", s.cfg.Trial)
	}
	for _, register := range append(slices.Clone(pages), subscribe.Pages(s.cfg.Trial)) {
		if err := register(mux, s.kit); err != nil {
			return nil, err
		}
	}

	// Browsers say where a request comes from; what else sends one has no cookie.
	crossing := http.NewCrossOriginProtection()
	crossing.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.kit.Tell(w, r, page.CrossSite) }))
	if public.Host != "" {
		// A proxy may change the header Host, with which the origin is compared.
		if err := crossing.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			return nil, fmt.Errorf("portal: PublicURL: %w", err)
		}
	}
	return s.withHeaders(crossing.Handler(mux)), nil
}

// policy is a Content-Security-Policy: nothing from elsewhere, and only the origins
// embed it.
func policy(ancestors []string) string {
	embedding := "'none'"
	if len(ancestors) > 0 {
		embedding = "'self' " + strings.Join(ancestors, " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " + embedding
}

// withHeaders sets what every answer has.
func (s *Service) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		// Without a referrer a browser does not say either where a form comes from, and on
		// plain http: nothing else tells. But a portal link has its token in the URL.
		referrer := "same-origin"
		if r.URL.Query().Has("token") || r.URL.Path == "/portal/callback" {
			referrer = "no-referrer"
		}
		h.Set("Referrer-Policy", referrer)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// acting keeps HEAD, which patterns of GET take too, from what a GET does beyond
// answering: those who only look at a URL send it.
func (s *Service) acting(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			s.kit.Redirect(w, r, "")
			return
		}
		next(w, r)
	}
}

// origin is where a request comes from, for the audit log; the store knows who it is.
func (s *Service) origin(r *http.Request) context.Context {
	return hook.WithOrigin(r.Context(), apiauth.Origin(r, s.cfg.TrustedProxies, hook.Actor{}, ""))
}

// forgetInterval is how often expired sessions are deleted.
const forgetInterval = time.Minute

// Run looks for the provider, and deletes what has expired, until ctx ends; it returns
// nil then. Every member does it. With ctx streams end, for which a server that stops
// would wait in vain.
func (s *Service) Run(ctx context.Context) error {
	defer s.endStreams()
	if s.provider != nil {
		go s.provider.seek(ctx, s.log)
	}
	ticker := time.NewTicker(forgetInterval)
	defer ticker.Stop()
	for {
		if err := s.cfg.Sessions.ForgetSessions(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("expired sessions are not deleted; trying again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// ProviderKnown is a health check: it says why nobody can sign in, and nil if they can.
func (s *Service) ProviderKnown(context.Context) error {
	if s.provider == nil {
		return nil
	}
	return s.provider.state()
}
