package hook

// AuthType is a way to prove to a receiver who sends, beside the signature.
type AuthType string

// The types of Auth.
const (
	// AuthNone is no way but the signature.
	AuthNone AuthType = "none"
	// AuthBasic is a user name and a password (RFC 7617).
	AuthBasic AuthType = "basic"
	// AuthBearer is a token that stays (RFC 6750).
	AuthBearer AuthType = "bearer"
	// AuthOAuth2 is a token that is fetched with client credentials (RFC 6749, 4.4).
	AuthOAuth2 AuthType = "oauth2"
	// AuthMTLS is a certificate of the client's, shown in the TLS handshake.
	AuthMTLS AuthType = "mtls"
)

// AuthTypes lists every AuthType.
var AuthTypes = []AuthType{AuthNone, AuthBasic, AuthBearer, AuthOAuth2, AuthMTLS}

// Auth is how a webhook's requests prove who sends them. Which fields there are
// depends on the type.
type Auth struct {
	Type AuthType `json:"type"`
	// Username of AuthBasic.
	Username string `json:"username,omitempty"`
	// TokenURL, ClientID, Scopes and Audience of AuthOAuth2; the last two may be
	// empty.
	TokenURL string   `json:"tokenUrl,omitempty"`
	ClientID string   `json:"clientId,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Audience string   `json:"audience,omitempty"`
	// Certificate of AuthMTLS: a chain in PEM form, the client's own first.
	Certificate string `json:"certificate,omitempty"`
	// Secret is the password, the token, the client's secret, or the certificate's
	// private key in PEM form; sealed in Webhook.AuthContext.
	Secret []byte `json:"secret"`
}

// SealedHeader is a line of the header of each request to a webhook. Its value may
// hold credentials.
type SealedHeader struct {
	// Name in canonical form, such as "X-Api-Key".
	Name string `json:"name"`
	// Value is sealed in Webhook.HeaderContext.
	Value []byte `json:"value"`
}

// SecretContext is what a webhook's signing secrets are sealed for; see package
// seal.
func (w *Webhook) SecretContext() []byte { return []byte(w.ID) }

// HeaderContext is what the value of a header is sealed for: it cannot be taken for
// that of another one, or for another secret.
func (w *Webhook) HeaderContext(name string) []byte { return []byte(w.ID + "/headers/" + name) }

// AuthContext is what Auth.Secret is sealed for. A secret cannot be taken for one of
// another type, nor be sent to another token endpoint than it was given for.
func (w *Webhook) AuthContext() []byte {
	return []byte(w.ID + "/auth/" + string(w.Auth.Type) + "/" + w.Auth.TokenURL)
}

// EachSealed calls do for everything that is sealed in a webhook, with its context.
// do may put something else in its place; its first error ends the walk and is
// returned.
func (w *Webhook) EachSealed(do func(sealed *[]byte, context []byte) error) error {
	for i := range w.Secrets {
		if err := do(&w.Secrets[i], w.SecretContext()); err != nil {
			return err
		}
	}
	for i := range w.Headers {
		if err := do(&w.Headers[i].Value, w.HeaderContext(w.Headers[i].Name)); err != nil {
			return err
		}
	}
	if w.Auth != nil {
		return do(&w.Auth.Secret, w.AuthContext())
	}
	return nil
}
