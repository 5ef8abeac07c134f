// Package seal encrypts the secrets of webhooks with AES-256-GCM, so that
// neither the database nor the cache holds one in the clear. Keys are rotated
// by putting a new one in front: it seals, and all of them open.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Why something does not open; callers tell them by errors.Is.
var (
	// ErrUnknownKey says that it was sealed with a key that is not in the ring.
	ErrUnknownKey = errors.New("sealed with a key that is not known")
	// ErrSealed says that it was changed, cut, made for another context, or was
	// never sealed.
	ErrSealed = errors.New("not sealed for this context, or damaged")
)

const (
	// version is the first byte of the sealed form:
	// version (1) | key id (4) | nonce (12) | ciphertext | tag (16).
	version   = 1
	keyBytes  = 32
	idBytes   = 4
	headBytes = 1 + idBytes
)

// Keyring holds the keys, at least one. Its zero value has none and only
// returns errors. It may be copied and used by several goroutines.
type Keyring struct {
	keys []key
}

type key struct {
	id   [idBytes]byte // the start of the key's SHA-256
	aead cipher.AEAD
	raw  [keyBytes]byte
}

// Derived is a key that was derived from one of the ring, by whose id it goes.
type Derived struct {
	ID  [idBytes]byte
	Key [keyBytes]byte
}

// Derive gives a key for another purpose for each of the ring, in their order: what
// signs something must not also encrypt. Whoever names the same purpose gets the same
// keys, and none of them tells anything of another (HKDF with SHA-256).
func (r Keyring) Derive(purpose string) ([]Derived, error) {
	derived := make([]Derived, len(r.keys))
	for n, k := range r.keys {
		secret, err := hkdf.Key(sha256.New, k.raw[:], nil, purpose, keyBytes)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		derived[n] = Derived{ID: k.id, Key: [keyBytes]byte(secret)}
	}
	return derived, nil
}

// ParseKeys reads keys in base64, 32 bytes each, parted by commas. Its error is
// a hook.Invalid with a hook.FieldError per bad key, named by its place
// ("key 2") and never by its value.
func ParseKeys(text string) (Keyring, error) {
	var (
		ring   Keyring
		faults hook.Invalid
	)
	for n, encoded := range strings.Split(text, ",") {
		field := fmt.Sprintf("key %d", n+1)
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(raw) != keyBytes {
			faults.Add(field, "", "must be the base64 of 32 bytes")
			continue
		}
		k, err := newKey(raw)
		if err != nil {
			return Keyring{}, fmt.Errorf("%s: %w", field, err)
		}
		if _, err := ring.find(k.id[:]); err == nil {
			faults.Add(field, "", "must differ from those before it")
			continue
		}
		ring.keys = append(ring.keys, k)
	}
	if err := faults.Err(); err != nil {
		return Keyring{}, err
	}
	return ring, nil
}

func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	// The nonce is random, 96 bits: after 2^32 seals of one key the chance that
	// two are equal is still 2^-32.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	sum := sha256.Sum256(raw)
	return key{id: [idBytes]byte(sum[:]), aead: aead, raw: [keyBytes]byte(raw)}, nil
}

// Seal encrypts plain with the first key. The context, such as a webhook's id,
// is bound to it: only who names the same one can open it. ErrUnknownKey if
// the ring is empty.
func (r Keyring) Seal(plain, context []byte) ([]byte, error) {
	if len(r.keys) == 0 {
		return nil, ErrUnknownKey
	}
	k := r.keys[0]
	sealed := make([]byte, 0, headBytes+len(plain)+k.aead.Overhead())
	sealed = append(sealed, version)
	sealed = append(sealed, k.id[:]...)
	return k.aead.Seal(sealed, nil, plain, bound(sealed, context)), nil
}

// Open decrypts what Seal made, with whichever key it was. ErrUnknownKey,
// ErrSealed.
func (r Keyring) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < headBytes || sealed[0] != version {
		return nil, ErrSealed
	}
	head, rest := sealed[:headBytes], sealed[headBytes:]
	k, err := r.find(head[1:])
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, nil, rest, bound(head, context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Reseal gives what Seal made with another key, sealed with the first one; what was
// sealed with that comes back as it is. ErrUnknownKey, ErrSealed.
func (r Keyring) Reseal(sealed, context []byte) ([]byte, error) {
	plain, err := r.Open(sealed, context)
	if err != nil || bytes.Equal(sealed[1:headBytes], r.keys[0].id[:]) {
		return sealed, err
	}
	return r.Seal(plain, context)
}

// IDs name the keys, the first one first: 8 hexadecimal digits, which tell nothing of a
// key.
func (r Keyring) IDs() []string {
	ids := make([]string, len(r.keys))
	for n, k := range r.keys {
		ids[n] = hex.EncodeToString(k.id[:])
	}
	return ids
}

// KeyID names the key that something was sealed with, as IDs does; empty for what was
// never sealed.
func KeyID(sealed []byte) string {
	if len(sealed) < headBytes || sealed[0] != version {
		return ""
	}
	return hex.EncodeToString(sealed[1:headBytes])
}

// bound is the additional data: the head too, so that it cannot be exchanged.
func bound(head, context []byte) []byte {
	return append(bytes.Clone(head), context...)
}

func (r Keyring) find(id []byte) (key, error) {
	for _, k := range r.keys {
		if bytes.Equal(k.id[:], id) {
			return k, nil
		}
	}
	return key{}, ErrUnknownKey
}

// Format writes the ids of the keys, whatever the verb: printing a
// configuration must not print the keys that lie in the ciphers.
func (r Keyring) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "keys "+strings.Join(r.IDs(), ","))
}
