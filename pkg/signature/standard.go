// Package signature makes and checks the signatures of requests: Standard
// Webhooks (https://www.standardwebhooks.com; symmetric, "v1", and ed25519, "v1a"),
// the Digest header of the rentman format and the x-cn-signature header of the
// cassa-in-cloud format. No error of it holds a secret.
package signature

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// The headers of a Standard Webhooks request, in the form that http.Header
// keys have.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	// secretPrefix marks a Standard Webhooks secret in its text form.
	secretPrefix = "whsec_"
	// The specification asks for 24 to 64 bytes (192 to 512 bits).
	minSecret, maxSecret = 24, 64
	// newSecret is what the specification's own tools make: as long as the
	// output of SHA-256, so that the key is no weaker than the hash.
	newSecret = 32
	// scheme is the version of the symmetric signature.
	scheme = "v1,"
)

// NewSecret makes a random Standard Webhooks secret in its text form.
func NewSecret() string {
	key := make([]byte, newSecret)
	rand.Read(key) // never fails: crypto/rand ends the program first
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParseSecret returns the key of a secret in its text form, "whsec_" and the
// base64 of 24 to 64 bytes. The error is a hook.FieldError of the field
// "secret", without the value.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return nil, secretFault("must begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, secretFault("must be base64 after " + secretPrefix)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, secretFault("must be the base64 of 24 to 64 bytes after " + secretPrefix)
	}
	return key, nil
}

func secretFault(rule string) error { return hook.FieldError{Field: "secret", Rule: rule} }

// Standard returns the signature of a request, "v1," and base64: the
// HMAC-SHA256 of "id.seconds.body" with the key. id must have no full stop.
func Standard(key []byte, id string, at time.Time, body []byte) string {
	return string(AppendStandard(nil, key, id, at, body))
}

// AppendStandard appends the signature that Standard returns. To sign with
// several keys, while a secret rotates, append them with a space between.
func AppendStandard(dst, key []byte, id string, at time.Time, body []byte) []byte {
	return standardKey(key).Append(dst, id, at, body)
}
