package api

import (
	"context"
	"net/http"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// withOrigin says in a request's context who makes the changes that it leads to.
func (s *Service) withOrigin(ctx context.Context, r *http.Request, p apiauth.Principal, operation string) context.Context {
	return hook.WithOrigin(ctx, apiauth.Origin(r, s.cfg.TrustedProxies, p.Actor, operation))
}
