package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

const (
	// privatePrefix marks a private key in its text form, publicPrefix the public
	// one that goes with it, which its receiver has.
	privatePrefix, publicPrefix = "whsk_", "whpk_"
	// asymmetricScheme is the version of the ed25519 signature.
	asymmetricScheme = "v1a,"
)

// NewPrivateKey makes a random ed25519 key in its text form: "whsk_" and the
// base64 of its seed of 32 bytes.
func NewPrivateKey() string {
	var seed [ed25519.SeedSize]byte
	rand.Read(seed[:]) // never fails: crypto/rand ends the program first
	return privatePrefix + base64.StdEncoding.EncodeToString(seed[:])
}

// ParsePrivateKey returns an ed25519 key from its text form: "whsk_" and the
// base64 of its seed of 32 bytes, as the Standard Webhooks libraries write it, or
// of 64, the seed and the public key, as others do. The error is a
// hook.FieldError of the field "secret", without the value.
func ParsePrivateKey(text string) (ed25519.PrivateKey, error) {
	encoded, ok := strings.CutPrefix(text, privatePrefix)
	if !ok {
		return nil, secretFault("must begin with " + privatePrefix)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return nil, secretFault("must be the base64 of an ed25519 key of 32 or 64 bytes after " + privatePrefix)
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !bytes.Equal(raw, key) {
		return nil, secretFault("must be an ed25519 key whose second half is the public key of the first")
	}
	return key, nil
}

// PublicKey returns the text form, "whpk_" and base64, of the public key that
// goes with a private one in its text form. The error is ParsePrivateKey's.
func PublicKey(text string) (string, error) {
	key, err := ParsePrivateKey(text)
	if err != nil {
		return "", err
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]), nil
}

// parsePublicKey is PublicKey's inverse.
func parsePublicKey(text string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, publicPrefix))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, secretFault("must be the base64 of 32 bytes after " + publicPrefix)
	}
	return raw, nil
}

// fitsPublicKey reports whether a signature in its text form is one of a message.
func fitsPublicKey(key ed25519.PublicKey, message []byte, signature string) bool {
	encoded, ok := strings.CutPrefix(signature, asymmetricScheme)
	if !ok {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	return err == nil && ed25519.Verify(key, message, raw)
}
