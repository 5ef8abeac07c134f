package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// reserved names networks that no delivery may reach, for who is told so; the first
// that fits counts. What is in none of them is judged by package ssrf, which
// follows IANA's registries of special-purpose addresses.
var reserved = []struct {
	network netip.Prefix
	what    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "means this host"},
	{netip.MustParsePrefix("127.0.0.0/8"), "is loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "is link-local, where clouds keep their metadata"},
	{netip.MustParsePrefix("10.0.0.0/8"), "is private"},
	{netip.MustParsePrefix("172.16.0.0/12"), "is private"},
	{netip.MustParsePrefix("192.168.0.0/16"), "is private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "is shared by carriers (CGNAT)"},
	// Azure answers here for what runs in it, from an address that is public.
	{netip.MustParsePrefix("168.63.129.16/32"), "serves the metadata of a cloud"},
	{netip.MustParsePrefix("192.88.99.0/24"), "is 6to4"},
	{netip.MustParsePrefix("224.0.0.0/4"), "is multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "is broadcast"},
	{netip.MustParsePrefix("::/128"), "means this host"},
	{netip.MustParsePrefix("::1/128"), "is loopback"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "is an IPv4 address in disguise (mapped)"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "is an IPv4 address in disguise (translated)"},
	{netip.MustParsePrefix("::/96"), "is an IPv4 address in disguise (compatible)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "is an IPv4 address in disguise (NAT64)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "is an IPv4 address in disguise (NAT64)"},
	{netip.MustParsePrefix("2001::/32"), "is an IPv4 address in disguise (Teredo)"},
	{netip.MustParsePrefix("2002::/16"), "is an IPv4 address in disguise (6to4)"},
	{netip.MustParsePrefix("fc00::/7"), "is private"},
	{netip.MustParsePrefix("fe80::/10"), "is link-local"},
	{netip.MustParsePrefix("fec0::/10"), "is site-local"},
	{netip.MustParsePrefix("ff00::/8"), "is multicast"},
}

// guardian judges what is not in reserved. It is safe for concurrent use.
var guardian = ssrf.New(ssrf.WithAnyPort())

// refusal is why no delivery may reach an address unless the policy's Allow names
// it, such as "127.0.0.0/8 is loopback"; empty for a public one.
func refusal(addr netip.Addr) string {
	if addr.Zone() != "" {
		return "an address with a zone is one of this host's own network"
	}
	for i := range reserved {
		if r := &reserved[i]; r.network.Contains(addr) {
			return r.network.String() + " " + r.what
		}
	}
	if guardian.SafeAddr(addr) != nil {
		return addr.String() + " is reserved"
	}
	return ""
}

// allows reports whether Allow names the address, however it is written.
func (p Policy) allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	return slices.ContainsFunc(p.Allow, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// control is net.Dialer.Control: the last word, on the address being dialled.
// plain says that the URL is http.
func (p Policy) control(plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		dialled, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: what was dialled is no address", ErrForbidden)
		}
		return p.check(dialled, plain)
	}
}

// check decides about an address that is about to be connected to; plain says that
// it is by http. The error wraps ErrForbidden.
func (p Policy) check(to netip.AddrPort, plain bool) error {
	switch {
	case p.allows(to.Addr()):
		return nil
	case refusal(to.Addr()) != "":
		return fmt.Errorf("%w: the address is private or reserved", ErrForbidden)
	case plain && !p.AllowHTTP:
		return fmt.Errorf("%w: http is not allowed to public addresses", ErrForbidden)
	case !publicPort(to.Port(), p.AllowHTTP):
		return fmt.Errorf("%w: port %d is not allowed", ErrForbidden, to.Port())
	default:
		return nil
	}
}
