package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"sync"
	"time"
)

// StandardKey signs many Standard Webhooks requests with one secret, which it
// parses once. It is safe for concurrent use.
type StandardKey struct{ macs macs }

// NewStandardKey takes a secret in its text form; the error is ParseSecret's.
func NewStandardKey(text string) (*StandardKey, error) {
	key, err := ParseSecret(text)
	if err != nil {
		return nil, err
	}
	return standardKey(key), nil
}

func standardKey(key []byte) *StandardKey {
	return &StandardKey{macs: macs{fresh: func() hash.Hash { return hmac.New(sha256.New, key) }}}
}

// Append appends what Standard returns.
func (k *StandardKey) Append(dst []byte, id string, at time.Time, body []byte) []byte {
	m := k.macs.take()
	defer k.macs.give(m)
	// A delivery id has 30 bytes, a time 10.
	m.room = append(append(m.room[:0], id...), '.')
	m.room = append(strconv.AppendInt(m.room, at.Unix(), 10), '.')
	m.hash.Write(m.room)
	m.hash.Write(body)
	m.room = m.hash.Sum(m.room[:0])
	return base64.StdEncoding.AppendEncode(append(dst, scheme...), m.room)
}

// DigestKey signs many requests of the rentman format with one token. It is safe
// for concurrent use.
type DigestKey struct{ macs macs }

// NewDigestKey takes a token as it is.
func NewDigestKey(token string) *DigestKey {
	key := []byte(token)
	return &DigestKey{macs: macs{fresh: func() hash.Hash { return hmac.New(sha512.New, key) }}}
}

// Append appends what Digest returns.
func (k *DigestKey) Append(dst, body []byte) []byte {
	m := k.macs.take()
	defer k.macs.give(m)
	m.hash.Write(body)
	m.room = m.hash.Sum(m.room[:0])
	return hex.AppendEncode(append(dst, digestPrefix...), m.room)
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
