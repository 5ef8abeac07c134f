package signature

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what the cassa-in-cloud format's receivers check
	"hash"
	"net/http"
)

// HeaderCN carries the signature of the cassa-in-cloud format, in the form that
// http.Header keys have.
const HeaderCN = "X-Cn-Signature"

// NewSHA1Key takes a token of the cassa-in-cloud format as it is. The signature
// is the HMAC-SHA1 of the body in lower-case hexadecimal, as PHP's hash_hmac
// gives it.
func NewSHA1Key(token string) *DigestKey {
	key := []byte(token)
	return &DigestKey{macs: macs{fresh: func() hash.Hash { return hmac.New(sha1.New, key) }}}
}

// VerifySHA1 checks a request of the cassa-in-cloud format as its receiver does.
// It returns nil, ErrHeader or ErrMismatch.
func VerifySHA1(header http.Header, body []byte, token string) error {
	got := header.Get(HeaderCN)
	if got == "" {
		return ErrHeader
	}
	if !hmac.Equal([]byte(got), NewSHA1Key(token).Append(nil, body)) {
		return ErrMismatch
	}
	return nil
}
