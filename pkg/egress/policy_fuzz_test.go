package egress_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// What is allowed when it is saved can be dialled, is no address in disguise, and
// goes to a port that is allowed.
func FuzzAURLThatIsSavedLeadsNowherePrivate(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/hook", "https://93.184.216.34:8443/", "https://[2606:2800:220:1::1]/", "https://0x7f.1/", "https://127.0.0.1./",
		"https://\uff11\uff12\uff17\u30020.0.1/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::a00:1]:443/", "https://a@b:1/", "https://localhost\\@x.com",
		"https://xn--bcher-kva.example:0443/", "https://2130706433", "https://[fe80::1%25eth0]/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if (egress.Policy{}).CheckURL(raw) != nil {
			return
		}
		to, err := egress.NewDestination(raw)
		require.NoError(t, err, "%q", raw)
		host, port, err := net.SplitHostPort(to.Address())
		require.NoError(t, err)
		require.NotContains(t, []string{"0", "22", "25", "80", "3306", "5432", "6379"}, port)
		require.True(t, strings.HasPrefix(strings.ToLower(raw), "https:"))
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Nil(t, u.User)
		if addr, err := netip.ParseAddr(host); err == nil {
			requirePublic(t, addr)
			return
		}
		require.Contains(t, host, ".")
		require.Regexp(t, `^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?$`, host)
		last := strings.ToLower(host[strings.LastIndex(host, ".")+1:])
		require.NotRegexp(t, `^([0-9]+|0x[0-9a-f]*)$`, last, "%q is a number to inet_aton", host)
		require.NotContains(t, []string{"localhost", "local", "internal"}, last)
	})
}

// Every address that is allowed is public, and holds no private one.
func FuzzAnAddressThatIsAllowedIsPublic(f *testing.F) {
	for _, seed := range []string{
		"127.0.0.1", "93.184.216.34", "100.64.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2606:2800:220:1::1", "fe80::1", "2001::1",
	} {
		f.Add(netip.MustParseAddr(seed).AsSlice(), uint16(443))
	}
	f.Fuzz(func(t *testing.T, bytes []byte, port uint16) {
		addr, ok := netip.AddrFromSlice(bytes)
		if !ok || (egress.Policy{}).Check(netip.AddrPortFrom(addr, port), false) != nil {
			return
		}
		requirePublic(t, addr)
		require.True(t, port == 443 || port >= 1024)
	})
}

// requirePublic judges by other means than the policy does.
func requirePublic(t *testing.T, addr netip.Addr) {
	t.Helper()
	require.True(t, addr.IsGlobalUnicast(), addr)
	require.False(t, addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified(), addr)
	require.Empty(t, addr.Zone())
	if addr.Is4() {
		n := binary.BigEndian.Uint32(addr.AsSlice())
		require.False(t, n>>24 == 0 || n>>22 == 0x64400000>>22 || n>>28 >= 0xe, addr)
		return
	}
	b := addr.As16()
	require.Equal(t, byte(0x20), b[0]&0xe0, "%s is in 2000::/3", addr)
	require.False(t, b[0] == 0x20 && (b[1] == 0x02 || b[1] == 0x01 && b[2] == 0 && b[3] == 0), "%s is 6to4 or Teredo", addr)
}
