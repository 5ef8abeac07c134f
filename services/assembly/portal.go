package assembly

import (
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/portal"
)

// portal builds the portal, which api serves, and which asks it in turn.
func (p *Parts) portal(api http.Handler) (*portal.Service, error) {
	store := sqlstore.New(p.DB, time.Now)
	cfg := portal.Config{
		Sessions:  store,
		API:       api,
		Guests:    apiauth.New(apiauth.Config{Keys: store, Accounts: store, AdminKey: p.Config.AdminKey, Links: p.Links}),
		Seal:      p.Keys,
		PublicURL: p.Config.PublicURL, FrameAncestors: p.Config.FrameAncestors, TraceURL: p.Config.TraceURL, TrustedProxies: p.Config.TrustedProxies,
		Trial: p.Trial, Log: p.Log.Named("portal"),
	}
	if p.Config.OIDC != nil {
		oidc := portal.OIDC(*p.Config.OIDC)
		cfg.OIDC = &oidc
	}
	service, err := portal.New(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.OIDC != nil {
		// Portal links and the API work without it.
		p.Health.Report("oidc", service.ProviderKnown)
	}
	return service, nil
}

// withPortal serves the portal, to which / leads, beside the API.
func withPortal(portal, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"GET /{$}", "/portal", "/portal/"} {
		mux.Handle(path, portal)
	}
	mux.Handle("/", api)
	return mux
}
