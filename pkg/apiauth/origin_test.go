package apiauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
)

func TestOnlyATrustedProxyTellsWhoTheClientIs(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.5:1234", "", "203.0.113.5"},
		{"203.0.113.5:1234", "198.51.100.1", "203.0.113.5"},
		{"10.1.2.3:80", "", "10.1.2.3"},
		{"10.1.2.3:80", "198.51.100.1", "198.51.100.1"},
		{"10.1.2.3:80", "192.0.2.9, 198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"10.1.2.3:80", "192.0.2.9, nonsense", "10.1.2.3"},
		{"[::ffff:10.1.2.3]:80", "2001:db8::1", "2001:db8::1"},
		{"[::1]:80", "10.0.0.1", "10.0.0.1"},
		{"@", "198.51.100.1", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		require.Equal(t, c.want, apiauth.ClientIP(r, trusted), "%+v", c)
	}
}
