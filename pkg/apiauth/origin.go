package apiauth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Origin says for the audit log where a request comes from. proxies are the networks of
// those whose X-Forwarded-For is believed; see ClientIP.
func Origin(r *http.Request, proxies []netip.Prefix, actor hook.Actor, operation string) hook.Origin {
	agent := strings.ToValidUTF8(r.UserAgent(), "\uFFFD")
	if len(agent) > hook.MaxUserAgent {
		agent = strings.ToValidUTF8(agent[:hook.MaxUserAgent], "")
	}
	return hook.Origin{Actor: actor, Operation: operation, IP: ClientIP(r, proxies), UserAgent: agent}
}

// ClientIP is the address of who sent a request: the peer, or if that is a trusted
// proxy the last address in X-Forwarded-For that is none. What stands before that
// the client may have made up. It is empty if there is no address.
func ClientIP(r *http.Request, trusted []netip.Prefix) string {
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
