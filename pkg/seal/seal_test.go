package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

var (
	secret  = []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	webhook = []byte("wh_01jz0000000000000000000000")
)

func newKey() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}

func ring(t *testing.T, keys ...string) seal.Keyring {
	t.Helper()
	r, err := seal.ParseKeys(strings.Join(keys, ", "))
	require.NoError(t, err)
	return r
}

func sealed(t *testing.T, r seal.Keyring) []byte {
	t.Helper()
	s, err := r.Seal(secret, webhook)
	require.NoError(t, err)
	return s
}

func TestWhatIsSealedOpensAndShowsNothing(t *testing.T) {
	t.Parallel()
	r := ring(t, newKey())
	s := sealed(t, r)
	require.NotContains(t, string(s), "MfKQ")
	require.NotEqual(t, s, sealed(t, r), "the same secret twice must not look the same")
	plain, err := r.Open(s, webhook)
	require.NoError(t, err)
	require.Equal(t, secret, plain)
}

func TestAKeyIsRotatedByPuttingANewOneInFront(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(), newKey()
	before := sealed(t, ring(t, old))
	both := ring(t, fresh, old)
	plain, err := both.Open(before, webhook)
	require.NoError(t, err)
	require.Equal(t, secret, plain)

	after := sealed(t, both)
	_, err = ring(t, fresh).Open(after, webhook)
	require.NoError(t, err, "the first key seals")
	_, err = ring(t, old).Open(after, webhook)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
}

func TestWhatAnOlderKeySealedIsSealedAnewWithTheFirst(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(), newKey()
	both := ring(t, fresh, old)
	before := sealed(t, ring(t, old))
	require.Equal(t, ring(t, old).IDs()[0], seal.KeyID(before))
	after, err := both.Reseal(before, webhook)
	require.NoError(t, err)
	require.Equal(t, both.IDs()[0], seal.KeyID(after))
	plain, err := ring(t, fresh).Open(after, webhook)
	require.NoError(t, err)
	require.Equal(t, secret, plain)

	again, err := both.Reseal(after, webhook)
	require.NoError(t, err)
	require.Equal(t, after, again, "what the first key sealed stays")
	_, err = both.Reseal(before, []byte("wh_another"))
	require.ErrorIs(t, err, seal.ErrSealed)
	_, err = ring(t, fresh).Reseal(before, webhook)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
	_, err = seal.Keyring{}.Reseal(before, webhook)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
	require.Empty(t, seal.KeyID([]byte("never sealed")))
}

func TestASecretOpensForItsWebhookOnly(t *testing.T) {
	t.Parallel()
	r := ring(t, newKey())
	_, err := r.Open(sealed(t, r), []byte("wh_another"))
	require.ErrorIs(t, err, seal.ErrSealed)
}

func TestNoChangedByteOpens(t *testing.T) {
	t.Parallel()
	r := ring(t, newKey())
	s := sealed(t, r)
	for n := range s {
		changed := bytes.Clone(s)
		changed[n] ^= 1
		_, err := r.Open(changed, webhook)
		require.True(t, errors.Is(err, seal.ErrSealed) || errors.Is(err, seal.ErrUnknownKey), "byte %d: %v", n, err)
		_, err = r.Open(s[:n], webhook)
		require.Error(t, err, "cut to %d bytes", n)
	}
}

func TestAnEmptyRingOnlyReturnsErrors(t *testing.T) {
	t.Parallel()
	var none seal.Keyring
	_, err := none.Seal(secret, webhook)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
	_, err = none.Open(sealed(t, ring(t, newKey())), webhook)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
}

func TestBadKeysAreNamedByTheirPlaceNeverByTheirValue(t *testing.T) {
	t.Parallel()
	good := newKey()
	short := base64.StdEncoding.EncodeToString([]byte("only sixteen byt"))
	_, err := seal.ParseKeys(good + "," + short + ",not base64," + good)
	require.Equal(t, hook.Invalid{
		{Field: "key 2", Rule: "must be the base64 of 32 bytes"},
		{Field: "key 3", Rule: "must be the base64 of 32 bytes"},
		{Field: "key 4", Rule: "must differ from those before it"},
	}, err)
	_, err = seal.ParseKeys("")
	require.EqualError(t, err, "key 1 must be the base64 of 32 bytes")
}

func TestNothingThatIsPrintedHoldsASecret(t *testing.T) {
	t.Parallel()
	key := newKey()
	raw, err := base64.StdEncoding.DecodeString(key)
	require.NoError(t, err)
	r := ring(t, key)
	s := sealed(t, r)
	s[len(s)-1] ^= 1
	_, damaged := r.Open(s, webhook)
	_, unknown := ring(t, newKey()).Open(s, webhook)
	_, badKey := seal.ParseKeys(key[:40])
	printed := fmt.Sprintf("%v %+v %#v %s %v %v %v", r, r, &r, struct{ Keys seal.Keyring }{r}, damaged, unknown, badKey)
	for _, hidden := range []string{key, key[:40], string(raw), strings.Trim(fmt.Sprintf("%d", raw), "[]")[:20], fmt.Sprintf("%x", raw), string(secret)} {
		require.NotContains(t, printed, hidden)
	}
	require.Contains(t, fmt.Sprint(r), "keys ")
}

func BenchmarkOpen(b *testing.B) {
	r, err := seal.ParseKeys(newKey())
	require.NoError(b, err)
	s, err := r.Seal(secret, webhook)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(s, webhook); err != nil {
			b.Fatal(err)
		}
	}
}

func TestKeysOfOtherPurposesAreDerived(t *testing.T) {
	t.Parallel()
	const first, second = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "//ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	ring, err := seal.ParseKeys(first + "," + second)
	require.NoError(t, err)
	derived, err := ring.Derive("one")
	require.NoError(t, err)
	require.Len(t, derived, 2)
	require.NotEqual(t, derived[0], derived[1])
	for n, id := range ring.IDs() {
		require.Equal(t, id, hex.EncodeToString(derived[n].ID[:]))
	}
	again, err := ring.Derive("one")
	require.NoError(t, err)
	require.Equal(t, derived, again)
	other, err := ring.Derive("another")
	require.NoError(t, err)
	require.NotEqual(t, derived[0].Key, other[0].Key)
	swapped, err := seal.ParseKeys(second + "," + first)
	require.NoError(t, err)
	rotated, err := swapped.Derive("one")
	require.NoError(t, err)
	require.Equal(t, derived[0], rotated[1], "whichever place it has in the ring")
	none, err := seal.Keyring{}.Derive("one")
	require.NoError(t, err)
	require.Empty(t, none)
}
