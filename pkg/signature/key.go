package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// StandardKey signs many Standard Webhooks requests with one secret, which it
// parses once. It is safe for concurrent use.
type StandardKey struct {
	macs macs
	// private is of ed25519; nil: the key is symmetric.
	private ed25519.PrivateKey
	rooms   sync.Pool
}

// NewStandardKey takes a secret in its text form, symmetric or an ed25519 private
// key, by which it signs as "v1" or "v1a"; the error is that of ParseSecret or
// ParsePrivateKey.
func NewStandardKey(text string) (*StandardKey, error) {
	if strings.HasPrefix(text, privatePrefix) {
		private, err := ParsePrivateKey(text)
		if err != nil {
			return nil, err
		}
		return &StandardKey{private: private}, nil
	}
	key, err := ParseSecret(text)
	if err != nil {
		return nil, err
	}
	return standardKey(key), nil
}

func standardKey(key []byte) *StandardKey {
	return &StandardKey{macs: macs{fresh: func() hash.Hash { return hmac.New(sha256.New, key) }}}
}

// Append appends the signature of a request: what Standard returns, or "v1a," and
// the base64 of the ed25519 signature of the same.
func (k *StandardKey) Append(dst []byte, id string, at time.Time, body []byte) []byte {
	if k.private != nil {
		return k.appendAsymmetric(dst, id, at, body)
	}
	m := k.macs.take()
	defer k.macs.give(m)
	m.room = appendSignedHead(m.room[:0], id, at)
	m.hash.Write(m.room)
	m.hash.Write(body)
	m.room = m.hash.Sum(m.room[:0])
	return base64.StdEncoding.AppendEncode(append(dst, scheme...), m.room)
}

// appendAsymmetric signs the request as a whole: ed25519 goes over it twice.
func (k *StandardKey) appendAsymmetric(dst []byte, id string, at time.Time, body []byte) []byte {
	room, ok := k.rooms.Get().(*[]byte)
	if !ok {
		room = new([]byte)
	}
	*room = append(appendSignedHead((*room)[:0], id, at), body...)
	sum := ed25519.Sign(k.private, *room)
	if cap(*room) <= maxRoom {
		k.rooms.Put(room)
	}
	return base64.StdEncoding.AppendEncode(append(dst, asymmetricScheme...), sum)
}

// maxRoom keeps a rare large body from living on in a pool.
const maxRoom = 64 << 10

// appendSignedHead appends what is signed before the body: a delivery id has 30
// bytes, a time 10.
func appendSignedHead(dst []byte, id string, at time.Time) []byte {
	dst = append(append(dst, id...), '.')
	return append(strconv.AppendInt(dst, at.Unix(), 10), '.')
}

// DigestKey signs many requests of the rentman or the cassa-in-cloud format with
// one token. It is safe for concurrent use.
type DigestKey struct {
	macs   macs
	prefix string
}

// NewDigestKey takes a token of the rentman format as it is.
func NewDigestKey(token string) *DigestKey {
	key := []byte(token)
	return &DigestKey{macs: macs{fresh: func() hash.Hash { return hmac.New(sha512.New, key) }}, prefix: digestPrefix}
}

// Append appends the signature of a body, in hexadecimal behind the format's prefix.
func (k *DigestKey) Append(dst, body []byte) []byte {
	m := k.macs.take()
	defer k.macs.give(m)
	m.hash.Write(body)
	m.room = m.hash.Sum(m.room[:0])
	return hex.AppendEncode(append(dst, k.prefix...), m.room)
}

// macs keeps the hashes of one key: a new one hashes the key, twice, before it
// begins, and used again it remembers that.
type macs struct {
	fresh func() hash.Hash
	free  sync.Pool
}

// mac is a hash and room for what it hashes and sums up to.
type mac struct {
	hash hash.Hash
	room []byte
}

func (p *macs) take() *mac {
	if m, ok := p.free.Get().(*mac); ok {
		m.hash.Reset()
		return m
	}
	return &mac{hash: p.fresh(), room: make([]byte, 0, sha512.Size)}
}

func (p *macs) give(m *mac) { p.free.Put(m) }
