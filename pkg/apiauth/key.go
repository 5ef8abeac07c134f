package apiauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// keyPrefix makes keys recognisable to people and to scanners for secrets.
const keyPrefix = "sk_"

// NewKey makes an API key: its text, which is shown once, and the SHA-256 of
// the text, which is what is kept. It has 256 random bits.
func NewKey() (text string, hash [32]byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: see crypto/rand
	text = keyPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return text, sha256.Sum256([]byte(text))
}
