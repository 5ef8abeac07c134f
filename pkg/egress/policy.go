package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrForbidden says that the policy does not allow an address. Errors that wrap
// it say which rule was broken.
var ErrForbidden = errors.New("egress is forbidden")

// wellKnownPorts above 1023 belong to services that speak no HTTP to strangers
// and that a webhook could be abused to talk to.
var wellKnownPorts = []uint16{
	1080, 1433, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3268, 3306, 3389,
	4369, 5432, 5671, 5672, 5900, 5984, 6000, 6379, 6443, 6667, 7000, 7001, 9042, 9092,
	9093, 9100, 9200, 9300, 10250, 10255, 11211, 15672, 19092, 26257, 26379, 27017,
	27018, 28017, 50000,
}

// Policy says what deliveries may reach. Its zero value allows public addresses
// by https alone.
type Policy struct {
	// Allow lists networks that may be reached although they are private, there
	// on any port and by http too.
	Allow []netip.Prefix
	// AllowHTTP permits http to public addresses.
	AllowHTTP bool
}

// ParseAllow reads a list of CIDRs, each as netip.ParsePrefix takes it.
func ParseAllow(cidrs []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.0.0.0/8 or fd00::/8", cidr)
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// CheckURL refuses what can be seen in a URL: the scheme, user information, a
// fragment, the port, and an address in place of a name. Names are checked when
// they are dialled. The error is the rule that is broken, such as "must be an
// https URL".
func (p Policy) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be an https URL")
	case u.Hostname() == "":
		return errors.New("must name a host")
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case u.Fragment != "":
		return errors.New("must not have a fragment")
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	addr, isAddr := literal(u.Hostname())
	switch {
	case isAddr && p.allows(addr):
		return nil
	case isAddr:
		if err := p.guardian().Safe(network(addr), netip.AddrPortFrom(addr, port).String(), nil); err != nil {
			return errors.New("must not name a private or reserved address")
		}
	}
	// A name may resolve into an allowed network, where http and any port are
	// fine; then only the dialler can tell.
	if isAddr || len(p.Allow) == 0 {
		if u.Scheme == "http" && !p.AllowHTTP {
			return errors.New("must be an https URL")
		}
		if !publicPort(port, p.AllowHTTP) {
			return fmt.Errorf("must use port 443 or one from 1024 to 65535 that belongs to no well-known service")
		}
	}
	return nil
}

// control is net.Dialer.Control: the last word, on the address being dialled.
// plain says that the URL is http.
func (p Policy) control(plain bool) func(network, address string, _ syscall.RawConn) error {
	guardian := p.guardian()
	return func(network, address string, conn syscall.RawConn) error {
		dialled, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: what was dialled is no address", ErrForbidden)
		}
		addr := dialled.Addr().Unmap()
		if p.allows(addr) {
			return nil
		}
		if err := guardian.Safe(network, address, conn); err != nil {
			return fmt.Errorf("%w: the address is private or reserved", ErrForbidden)
		}
		if plain && !p.AllowHTTP {
			return fmt.Errorf("%w: http is not allowed to public addresses", ErrForbidden)
		}
		if !publicPort(dialled.Port(), p.AllowHTTP) {
			return fmt.Errorf("%w: port %d is not allowed", ErrForbidden, dialled.Port())
		}
		return nil
	}
}

func (p Policy) guardian() *ssrf.Guardian { return ssrf.New(ssrf.WithAnyPort()) }

func (p Policy) allows(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Allow, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

func publicPort(port uint16, allowHTTP bool) bool {
	if port == 443 || port == 80 && allowHTTP {
		return true
	}
	return port >= 1024 && !slices.Contains(wellKnownPorts, port)
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		if u.Scheme == "http" {
			return 80, nil
		}
		return 443, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("must have a port from 1 to 65535")
	}
	return uint16(port), nil
}

func literal(host string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}

func network(addr netip.Addr) string {
	if addr.Is4() {
		return "tcp4"
	}
	return "tcp6"
}
