package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// withOrigin says in a request's context who makes the changes that it leads to.
func (s *Service) withOrigin(ctx context.Context, r *http.Request, p apiauth.Principal, operation string) context.Context {
	agent := strings.ToValidUTF8(r.UserAgent(), "\uFFFD")
	if len(agent) > hook.MaxUserAgent {
		agent = strings.ToValidUTF8(agent[:hook.MaxUserAgent], "")
	}
	return hook.WithOrigin(ctx, hook.Origin{
		Actor: p.Actor, Operation: operation, IP: clientIP(r, s.cfg.TrustedProxies), UserAgent: agent,
	})
}

// clientIP is the address of who sent a request: the peer, or if that is a trusted
// proxy the last address in X-Forwarded-For that is none. What stands before that
// the client may have made up. It is empty if there is no address.
func clientIP(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	client := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(network netip.Prefix) bool { return network.Contains(client) }) {
			break
		}
		address, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // none, or no address: the proxy is all that is known
		}
		client = address.Unmap().WithZone("")
	}
	return client.String()
}
