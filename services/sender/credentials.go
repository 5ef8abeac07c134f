package sender

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
)

// credentials are a webhook's headers and the secret of its auth, opened. Nil ones are
// those of a webhook without.
type credentials struct {
	headers []hook.Header
	auth    hook.Auth
	secret  string
}

// openCredentials fails if the encryption key is missing.
func openCredentials(w *hook.Webhook, keys Opener) (*credentials, error) {
	c := &credentials{headers: make([]hook.Header, len(w.Headers))}
	for i, h := range w.Headers {
		value, err := keys.Open(h.Value, w.HeaderContext(h.Name))
		if err != nil {
			return nil, fmt.Errorf("open the header %s of webhook %s: %w", h.Name, w.ID, err)
		}
		c.headers[i] = hook.Header{Name: h.Name, Value: string(value)}
	}
	if w.Auth == nil {
		return c, nil
	}
	secret, err := keys.Open(w.Auth.Secret, w.AuthContext())
	if err != nil {
		return nil, fmt.Errorf("open the auth of webhook %s: %w", w.ID, err)
	}
	c.auth, c.secret = *w.Auth, string(secret)
	return c, nil
}

// authentication makes requests that no line of a header authenticates alone.
type authentication interface {
	// post sends what is on paper. Lines that it adds are left there.
	post(client Client, to *egress.Destination, p *paper, deadline time.Time) (egress.Answer, error)
}

// prepare adds what they come to. The error does not hold them.
func (c *credentials) prepare(ready *prepared, w *target, s *Service) error {
	if c == nil {
		return nil
	}
	ready.headers = c.headers
	switch c.auth.Type {
	case "", hook.AuthNone:
	case hook.AuthBasic:
		ready.headers = append(ready.headers, hook.Header{Name: authorization, Value: "Basic " + c.basic()})
	case hook.AuthBearer:
		ready.headers = append(ready.headers, hook.Header{Name: authorization, Value: "Bearer " + c.secret})
	case hook.AuthOAuth2:
		ready.auth = s.tokens.of(w.ID, c, s)
	case hook.AuthMTLS:
		certificate, err := tls.X509KeyPair([]byte(c.auth.Certificate), []byte(c.secret))
		if err != nil {
			return errors.New("auth must be a certificate and its key")
		}
		ready.to.Present(certificate)
		ready.auth = shownCertificate{until: certificate.Leaf.NotAfter}
	default:
		return errors.New("auth must be of a known type")
	}
	return nil
}

const authorization = "Authorization"

// basic is RFC 7617's form of a name and a password.
func (c *credentials) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(c.auth.Username + ":" + c.secret))
}

// hidden is what must not be read in the log.
func (c *credentials) hidden() (all []string) {
	if c == nil {
		return nil
	}
	for _, h := range c.headers {
		if secretValue(h) {
			all = append(all, h.Value)
		}
	}
	switch c.auth.Type {
	case hook.AuthBasic:
		return append(all, c.secret, c.basic())
	case hook.AuthBearer:
		return append(all, c.secret)
	case hook.AuthOAuth2:
		// As RFC 6749, 2.3.1 wants the credentials.
		pair := url.QueryEscape(c.auth.ClientID) + ":" + url.QueryEscape(c.secret)
		return append(all, c.secret, base64.StdEncoding.EncodeToString([]byte(pair)))
	default: // a private key goes nowhere
		return all
	}
}

// shownHeaders are the webhook's own header lines, of which secrets are masked.
func shownHeaders(headers []hook.Header) []hook.Header {
	shown := slices.Clone(headers)
	for i := range shown {
		if secretValue(shown[i]) {
			shown[i].Value = masked
		}
	}
	return shown
}

// secretValue reports whether the value of one of a webhook's own headers counts as a
// secret: if it is long or its name tells it. An X-Tenant of 7 is none.
func secretValue(h hook.Header) bool {
	return len(h.Value) >= minRun || secretHeader(http.CanonicalHeaderKey(h.Name))
}

// errExpired says that a client certificate is out of date.
var errExpired = errors.New("the client certificate has expired")

// shownCertificate is a client certificate that a connection presents.
type shownCertificate struct{ until time.Time }

// post does not bother a receiver that would refuse.
func (c shownCertificate) post(client Client, to *egress.Destination, p *paper, deadline time.Time) (egress.Answer, error) {
	if time.Now().After(c.until) {
		return egress.Answer{}, fmt.Errorf("%w: it was valid until %s", errExpired, c.until.UTC().Format(time.RFC3339))
	}
	return client.Post(p.request(to, deadline))
}
