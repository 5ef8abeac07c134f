package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ErrHeader says that a request's header line would break the request: its name
// is no token, or its value holds a control character.
var ErrHeader = errors.New("header line is malformed")

// origin is what connections can be shared by.
type origin struct {
	plain bool // http
	// address is host:port, as it is dialled.
	address string
	// identity tells client certificates apart; empty: there is none.
	identity string
}

// Destination is a URL, taken apart once for many requests.
type Destination struct {
	origin
	serverName string
	port       uint16
	// named says that the host is a name, not an address.
	named bool
	// head is the request line and the header Host.
	head string
	// Shown is the URL without what may be secret in it; see hook.ShownURL.
	Shown string
	// Query as it stands in the URL: receivers keep secrets there.
	Query string
	// certificate is the client's, or nil.
	certificate *tls.Certificate
}

// NewDestination takes a URL apart. What Policy.CheckURL would refuse may be
// refused here too; the error never holds the URL.
func NewDestination(raw string) (*Destination, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		return nil, errors.New("url must be an http or https URL that names a host")
	}
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	port, err := portOf(u)
	if err != nil {
		return nil, fmt.Errorf("url %w", err)
	}
	_, isLiteral := literal(host)
	named := host
	if u.Port() != "" {
		named = net.JoinHostPort(host, u.Port())
	} else if addr, ok := literal(host); ok && addr.Is6() {
		named = "[" + host + "]"
	}
	for i := range len(named) {
		if named[i] <= ' ' || named[i] >= 0x7f {
			return nil, errors.New("url must name a host without spaces and control characters")
		}
	}
	d := &Destination{
		origin:     origin{plain: u.Scheme == "http", address: net.JoinHostPort(host, strconv.Itoa(int(port)))},
		serverName: host,
		port:       port,
		named:      !isLiteral,
		head:       "POST " + escape(u.RequestURI()) + " HTTP/1.1\r\nHost: " + named + "\r\n",
		Shown:      hook.ShownURL(u),
		Query:      u.RawQuery,
	}
	return d, nil
}

// Host is the URL's host, without the port.
func (d *Destination) Host() string { return d.serverName }

// Port is the port that is dialled.
func (d *Destination) Port() int { return int(d.port) }

// Present makes every connection present a client certificate when its server asks
// for one. Connections, and what TLS remembers of them, are shared by nobody with
// another certificate.
func (d *Destination) Present(c tls.Certificate) {
	hash := sha256.New()
	for _, der := range c.Certificate {
		hash.Write(der)
	}
	d.certificate, d.identity = &c, string(hash.Sum(nil))
}

// escape makes a request's target one that its line can hold: net/url leaves a
// query as it is written, spaces and other letters too.
func escape(target string) string {
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// asciiHost is a host as it is resolved and named on the wire: international
// names in their ASCII form, as in net/http.
func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", errors.New("url must name a host that can be resolved")
			}
			return ascii, nil
		}
	}
	return host, nil
}

// appendHead writes all of the request before its body.
func (r *Request) appendHead(dst []byte) ([]byte, error) {
	dst = append(dst, r.To.head...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.Body)), 10)
	for i := range r.Header {
		h := &r.Header[i]
		if !validName(h.Name) || !validValue(h.Value) {
			return dst, fmt.Errorf("%w: %q", ErrHeader, h.Name)
		}
		dst = append(append(dst, "\r\n"...), h.Name...)
		dst = append(append(dst, ": "...), h.Value...)
	}
	return append(dst, "\r\n\r\n"...), nil
}

// validName reports whether a name is a token (RFC 9110, 5.6.2).
func validName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+',
			c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return false
		}
	}
	return name != ""
}

// validValue reports whether a value ends neither its line nor the header.
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
