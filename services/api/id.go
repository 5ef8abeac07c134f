package api

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// newID makes an id: the prefix and 26 characters that rise with time, to the
// millisecond, and end in 80 random bits, so that ids made in one millisecond
// collide with a probability of about 10^-24 a pair.
func newID(prefix string, now time.Time) string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see crypto/rand
	return formatID(prefix, now, random)
}

func formatID(prefix string, at time.Time, random [10]byte) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMilli())<<16)
	copy(raw[6:], random[:])
	// The extended alphabet keeps the order of the bytes.
	return prefix + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
