package api

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Limits of a webhook's auth.
const (
	maxUsername = 256 // characters
	maxPassword = 1024
	maxToken    = 4096 // bytes
	maxClientID = 256  // bytes
	maxScopes   = 50   // entries
	maxScope    = 256  // bytes
	maxPEM      = 32 << 10
)

// Auth is how requests prove who sends them, as the API reads and shows it.
type Auth struct {
	Type         string   `json:"type" enum:"none,basic,bearer,oauth2,mtls" doc:"Which of the other fields there are depends on it."`
	Username     string   `json:"username,omitempty" maxLength:"256" doc:"Of basic; without a colon."`
	Password     string   `json:"password,omitempty" maxLength:"1024" doc:"Of basic. Shown as ***, which sent back keeps it."`
	Token        string   `json:"token,omitempty" maxLength:"4096" doc:"Of bearer. Shown as ***, which sent back keeps it."`
	TokenURL     string   `json:"tokenUrl,omitempty" maxLength:"2048" doc:"Of oauth2: where a token is fetched with the client's credentials."`
	ClientID     string   `json:"clientId,omitempty" maxLength:"256" doc:"Of oauth2."`
	ClientSecret string   `json:"clientSecret,omitempty" maxLength:"1024" doc:"Of oauth2. Shown as ***, which sent back keeps it."`
	Scopes       []string `json:"scopes,omitempty" nullable:"false" maxItems:"50" doc:"Of oauth2; none by default."`
	Audience     string   `json:"audience,omitempty" maxLength:"2048" doc:"Of oauth2; none by default."`
	Certificate  string   `json:"certificate,omitempty" maxLength:"32768" doc:"Of mtls: a chain in PEM form, the client's own first."`
	Key          string   `json:"key,omitempty" maxLength:"32768" doc:"Of mtls: the certificate's private key in PEM form. Shown as ***, which sent back keeps it."`
}

// newAuth is auth as a body gives it.
type newAuth struct {
	hook.Auth
	// secret in the clear, and the name of its field.
	secret, field string
}

// readAuth reads an object; nil if the body has none.
func (s *Service) readAuth(d *document) *newAuth {
	a := d.object("auth", "must be an object with a type")
	if a == nil {
		return nil
	}
	a.secret = []string{"password", "token", "clientSecret", "key"}
	a.require("type")
	kind, ok := choice(a, "type", hook.AuthTypes)
	if !ok {
		return nil
	}
	read := &newAuth{Auth: hook.Auth{Type: kind}}
	switch kind {
	case hook.AuthNone:
	case hook.AuthBasic:
		read.Username = a.needed("username", maxUsername, func(r rune) bool { return unicode.IsControl(r) || r == ':' }, "characters without colons")
		read.keep(a, "password", maxPassword, unicode.IsControl, "characters without control characters")
	case hook.AuthBearer:
		read.keep(a, "token", maxToken, invisible, "visible ASCII characters")
	case hook.AuthOAuth2:
		s.readClient(a, read)
	case hook.AuthMTLS:
		s.readCertificate(a, read)
	}
	a.noOthers()
	return read
}

func (s *Service) readClient(a *document, into *newAuth) {
	a.require("tokenUrl")
	if url := s.readURL(a, "tokenUrl"); url != nil {
		into.TokenURL = *url
	}
	into.ClientID = a.needed("clientId", maxClientID, invisible, "visible ASCII characters")
	into.keep(a, "clientSecret", maxPassword, unprintable, "printable ASCII characters")
	into.Scopes, _ = a.texts("scopes", 0, maxScopes, func(text string) (string, string) {
		if text == "" || len(text) > maxScope || strings.ContainsFunc(text, invisible) || strings.ContainsAny(text, `"\`) {
			return "", `must be 1 to 256 visible ASCII characters without " and \` // RFC 6749, 3.3
		}
		return text, ""
	})
	into.Audience, _ = a.string("audience", 0, maxURL, unicode.IsControl)
}

// needed reads a string that is required, of characters that are not bad.
func (d *document) needed(name string, longest int, bad func(rune) bool, what string) string {
	d.require(name)
	rule := fmt.Sprintf("must be 1 to %d %s", longest, what)
	value, ok := read[string](d, name, rule)
	if ok && (value == "" || len([]rune(value)) > longest || strings.ContainsFunc(value, bad)) {
		d.fault(name, value, rule)
		return ""
	}
	return value
}

// keep reads the secret.
func (n *newAuth) keep(d *document, name string, longest int, bad func(rune) bool, what string) {
	n.secret, n.field = d.needed(name, longest, bad, what), name
}

func invisible(r rune) bool   { return r <= ' ' || r > '~' }
func unprintable(r rune) bool { return r < ' ' || r > '~' }

// setAuth puts auth in place of what a webhook has, and seals its secret. A masked
// one stays as it is. The error may be a hook.FieldError.
func (s *Service) setAuth(w *hook.Webhook, given *newAuth) error {
	before := *w
	if given.Type == hook.AuthNone {
		w.Auth = nil
		return nil
	}
	auth := given.Auth
	w.Auth = &auth
	if given.secret != masked {
		sealed, err := s.cfg.Seal.Seal([]byte(given.secret), w.AuthContext())
		if err != nil {
			return fmt.Errorf("seal the auth of %s: %w", w.ID, err)
		}
		auth.Secret = sealed
		return nil
	}
	field := "auth." + given.field
	if before.Auth == nil || before.Auth.Type != auth.Type {
		return hook.FieldError{Field: field, Rule: "must be the value itself: there is none to keep"}
	}
	if before.Auth.TokenURL != auth.TokenURL {
		return hook.FieldError{Field: field, Rule: "must be given again: the one to keep was given for another tokenUrl"}
	}
	auth.Secret = before.Auth.Secret
	if auth.Type != hook.AuthMTLS {
		return nil
	}
	key, err := s.cfg.Seal.Open(auth.Secret, w.AuthContext())
	if err != nil {
		return fmt.Errorf("open the auth of %s: %w", w.ID, err)
	}
	if rule := pairRule(auth.Certificate, string(key)); rule != "" {
		return hook.FieldError{Field: field, Rule: rule}
	}
	return nil
}

// showAuth masks the secret.
func showAuth(a *hook.Auth) Auth {
	if a == nil {
		return Auth{Type: string(hook.AuthNone)}
	}
	shown := Auth{
		Type: string(a.Type), Username: a.Username, TokenURL: a.TokenURL, ClientID: a.ClientID, Scopes: a.Scopes,
		Audience: a.Audience, Certificate: a.Certificate,
	}
	switch a.Type {
	case hook.AuthBasic:
		shown.Password = masked
	case hook.AuthBearer:
		shown.Token = masked
	case hook.AuthOAuth2:
		shown.ClientSecret = masked
	case hook.AuthMTLS:
		shown.Key = masked
	case hook.AuthNone:
	}
	return shown
}
