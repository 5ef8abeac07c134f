package signature

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// HeaderDigest carries the signature of the rentman format.
const HeaderDigest = "Digest"

const (
	digestPrefix = "sha512="
	// The document's example of a token, some_secret_key, has 15 characters.
	minToken, maxToken = 8, 256
)

// NewToken makes a random token: 64 hexadecimal digits, 256 bits.
func NewToken() string {
	var key [32]byte
	rand.Read(key[:]) // never fails: crypto/rand ends the program first
	return hex.EncodeToString(key[:])
}

// CheckToken says whether a token that somebody brings will do: 8 to 256
// visible ASCII characters. The error is a hook.FieldError of the field
// "secret", without the value.
func CheckToken(token string) error {
	visible := !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	if len(token) < minToken || len(token) > maxToken || !visible {
		return secretFault("must be 8 to 256 visible ASCII characters")
	}
	return nil
}

// Digest returns the value of the Digest header: "sha512=" and the HMAC-SHA512
// of the body with the token in lower-case hexadecimal, as PHP's hash_hmac
// gives it.
func Digest(token string, body []byte) string {
	return string(AppendDigest(nil, token, body))
}

// AppendDigest appends what Digest returns.
func AppendDigest(dst []byte, token string, body []byte) []byte {
	return NewDigestKey(token).Append(dst, body)
}

// VerifyDigest checks a request of the rentman format as its receiver does. It
// returns nil, ErrHeader or ErrMismatch.
func VerifyDigest(header http.Header, body []byte, token string) error {
	got := header.Get(HeaderDigest)
	if !strings.HasPrefix(got, digestPrefix) {
		return ErrHeader
	}
	if !hmac.Equal([]byte(got), AppendDigest(nil, token, body)) {
		return ErrMismatch
	}
	return nil
}
