package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	// defaultLinkTTL and maxLinkTTL are how long a portal link is valid: it cannot be
	// taken back.
	defaultLinkTTL = time.Hour
	maxLinkTTL     = 24 * time.Hour
	minLinkTTL     = 10 * time.Second
)

// NewPortalLink is the body that makes a portal link.
type NewPortalLink struct {
	Role     string `json:"role" enum:"owner,settings,viewer" doc:"viewer: the scope read; settings: read, write and settings; owner: publish too. At most the scopes of the key that makes it."`
	TTL      string `json:"ttl,omitempty" example:"15m" doc:"How long it is valid: whole seconds, 10s to 24h; 1h by default."`
	Language string `json:"language,omitempty" enum:"en,it" doc:"Of the portal; en by default."`
}

// PortalLink is a portal link, shown once.
type PortalLink struct {
	ID        string    `json:"id"`
	URL       string    `json:"url" example:"https://hooks.example.com/portal/?token=pl_…" doc:"Its token is also one for this API, as Authorization: Bearer TOKEN."`
	ExpiresAt time.Time `json:"expiresAt"`
}

type portalLinkAnswer struct {
	Body PortalLink
}

func (s *Service) portalLinkRoutes() {
	handle(s, huma.Operation{
		OperationID: "create-portal-link", Method: http.MethodPost, Path: "/v1/portal-links", Tags: []string{"portal-links"},
		Summary: "Make a portal link",
		Description: "A link with a signed token for this account. It is valid until it expires, or its account is deleted; it cannot be taken " +
			"back. A portal link makes no other. Scope: settings.",
		DefaultStatus: http.StatusCreated,
	}, access{scope: hook.ScopeSettings}, NewPortalLink{}, s.createPortalLink)
}

func (s *Service) createPortalLink(ctx context.Context, in *JSONBody) (*portalLinkAnswer, error) {
	maker := principal(ctx)
	if maker.Link != nil { // or it could be renewed for ever
		return nil, problem.New(http.StatusForbidden, "", "a portal link makes no other: use an API key", nil)
	}
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	link := apiauth.Link{Account: maker.Account, Language: hook.English}
	d.require("role")
	link.Role, _ = choice(d, "role", hook.Roles)
	ttl, ok := d.seconds("ttl", minLinkTTL, maxLinkTTL)
	if !ok {
		ttl = defaultLinkTTL
	}
	set(&link.Language, given(choice(d, "language", hook.Languages)))
	if err := d.end("id", "url", "expiresAt"); err != nil {
		return nil, err
	}
	for _, scope := range link.Role.Scopes() {
		if !maker.May(scope) {
			return nil, problem.New(http.StatusForbidden, "", "a key makes links of at most its own scopes, and it lacks "+string(scope), nil)
		}
	}
	link.ExpiresAt = s.now().Add(ttl)
	link, token, err := s.cfg.Links.New(link)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Note(ctx, link.Account, link.ID); err != nil {
		return nil, err
	}
	return &portalLinkAnswer{Body: PortalLink{
		ID: link.ID, URL: s.cfg.PublicURL + "/portal/?token=" + url.QueryEscape(token), ExpiresAt: link.ExpiresAt,
	}}, nil
}
