package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a request's time may lie from the receiver's
// clock, either way; the reference libraries have the same.
const DefaultTolerance = 5 * time.Minute

// Why a request is not to be trusted; callers tell them by errors.Is.
var (
	// ErrHeader says that a header is missing or malformed.
	ErrHeader = errors.New("missing or malformed signature header")
	// ErrTimestamp says that the request is too old, or from the future: it
	// may be the repetition of one that was overheard.
	ErrTimestamp = errors.New("timestamp outside of the tolerance")
	// ErrMismatch says that no signature fits: the secret is another one, or
	// the body was changed.
	ErrMismatch = errors.New("no matching signature")
)

// Verify checks a Standard Webhooks request as its receiver does. secret is the
// webhook's, or for ed25519 its public key ("whpk_…"). It returns nil, an error of
// the secret as ParseSecret has it, ErrHeader, ErrTimestamp or ErrMismatch. Of
// several signatures one must fit; those of other versions are passed over.
func Verify(header http.Header, body []byte, secret string, now time.Time, tolerance time.Duration) error {
	fits, err := verifier(secret)
	if err != nil {
		return err
	}
	id, signatures := header.Get(HeaderID), header.Get(HeaderSignature)
	seconds, err := strconv.ParseInt(header.Get(HeaderTimestamp), 10, 64)
	if id == "" || signatures == "" || err != nil {
		return ErrHeader
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-tolerance)) || at.After(now.Add(tolerance)) {
		return ErrTimestamp
	}
	message := append(appendSignedHead(nil, id, at), body...)
	for candidate := range strings.FieldsSeq(signatures) {
		if fits(message, candidate) {
			return nil
		}
	}
	return ErrMismatch
}

// verifier tells whether a signature is that of a message by the secret.
func verifier(secret string) (fits func(message []byte, signature string) bool, err error) {
	if strings.HasPrefix(secret, publicPrefix) {
		public, err := parsePublicKey(secret)
		return func(message []byte, signature string) bool { return fitsPublicKey(public, message, signature) }, err
	}
	key, err := ParseSecret(secret)
	return func(message []byte, signature string) bool {
		mac := hmac.New(sha256.New, key)
		mac.Write(message)
		want := base64.StdEncoding.AppendEncode([]byte(scheme), mac.Sum(nil))
		return hmac.Equal([]byte(signature), want)
	}, err
}
