package format_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// signed are the headers of a request at a time of a signer that was made once, as
// the sender makes it.
func signed(t *testing.T, f hook.Format, secrets ...format.Secret) func(at time.Time) http.Header {
	t.Helper()
	signer, err := format.NewSigner(f, secrets)
	require.NoError(t, err)
	return func(at time.Time) http.Header {
		h := http.Header{}
		for _, line := range signer.Append(nil, request("{}"), delivery, at) {
			h.Set(line.Name, line.Value)
		}
		return h
	}
}

func TestAnOldSecretSignsBesideItsSuccessorUntilItEnds(t *testing.T) {
	t.Parallel()
	fresh, old, older := signature.NewSecret(), signature.NewPrivateKey(), signature.NewSecret()
	public, err := signature.PublicKey(old)
	require.NoError(t, err)
	at := signed(t, hook.FormatStandard, format.Secret{Text: fresh},
		format.Secret{Text: old, Until: now.Add(time.Hour)}, format.Secret{Text: older, Until: now.Add(time.Minute)})
	fits := func(h http.Header, at time.Time, secret string) bool {
		return signature.Verify(h, []byte("{}"), secret, at, time.Minute) == nil
	}
	for _, c := range []struct {
		after            time.Duration
		old, older, none bool
		signatures       int
	}{
		{0, true, true, false, 3},
		{time.Minute, true, false, false, 2},
		{time.Hour, false, false, false, 1},
	} {
		moment := now.Add(c.after)
		h := at(moment)
		signatures := strings.Fields(h.Get("webhook-signature"))
		require.Len(t, signatures, c.signatures)
		require.True(t, strings.HasPrefix(signatures[0], "v1,"), "the current one comes first")
		require.True(t, fits(h, moment, fresh))
		require.Equal(t, c.old, fits(h, moment, public), "symmetric and asymmetric ones may stand side by side")
		require.Equal(t, c.older, fits(h, moment, older))
	}
}

func TestAFormatWithOneSignatureHasTheOldestTokensUntilItEnds(t *testing.T) {
	t.Parallel()
	secrets := []format.Secret{
		{Text: "the_new_token"}, {Text: "the_old_token", Until: now.Add(time.Hour)}, {Text: "the_oldest_token", Until: now.Add(time.Minute)},
	}
	verify := map[hook.Format]func(http.Header, []byte, string) error{
		hook.FormatRentman: signature.VerifyDigest, hook.FormatCassaInCloud: signature.VerifySHA1,
	}
	for f, verify := range verify {
		at := signed(t, f, secrets...)
		for after, token := range map[time.Duration]string{
			0: "the_oldest_token", time.Minute: "the_old_token", time.Hour: "the_new_token",
		} {
			require.NoError(t, verify(at(now.Add(after)), []byte("{}"), token), "%s after %s", f, after)
		}
	}
}
