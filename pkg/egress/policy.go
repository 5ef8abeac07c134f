package egress

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
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
	// Proxy makes the connections: an http or https URL, with a user and a password if it
	// needs them; nil: none. Its own address is not checked.
	Proxy *url.URL
	// Roots verify who is connected to; nil: the system's.
	Roots *x509.CertPool
}

// CheckURL refuses what can be seen in a URL: the scheme, user information, a
// fragment, the port, an address in place of a name in whatever spelling, and names
// that lead nowhere public. What a name resolves to is checked when it is dialled.
// The error is the rule that is broken, such as "must be an https URL".
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
	// As it will be dialled: dots and digits have many forms in Unicode.
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return errors.New("must name a host that can be resolved")
	}
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil
	switch {
	case isAddr && p.allows(addr):
		return nil
	case isAddr && refusal(addr) != "":
		return errors.New("must not name a private or reserved address: " + refusal(addr))
	case !isAddr:
		if err := p.checkName(host); err != nil {
			return err
		}
	}
	// A name may resolve into an allowed network, where http and any port are
	// fine; then only the dialler can tell.
	if isAddr || len(p.Allow) == 0 {
		if u.Scheme == "http" && !p.AllowHTTP {
			return errors.New("must be an https URL")
		}
		if !publicPort(port, p.AllowHTTP) {
			return errors.New("must use port 443 or one from 1024 to 65535 that belongs to no well-known service")
		}
	}
	return nil
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
