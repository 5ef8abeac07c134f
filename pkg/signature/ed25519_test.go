package signature_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// Published vectors of the same request as the symmetric one: the first is that of
// the Standard Webhooks specification's library in Go, the second, with both halves
// of the key, that of the server whose makers wrote the specification.
var asymmetricVectors = map[string]struct{ private, public, signature string }{
	"the seed alone": {
		"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=", "",
		"v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
	},
	"both halves": {
		"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
		"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
		"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
	},
}

func TestEd25519SignsAsTheSpecificationDoes(t *testing.T) {
	t.Parallel()
	for name, v := range asymmetricVectors {
		key, err := signature.NewStandardKey(v.private)
		require.NoError(t, err, name)
		for range 2 { // with fresh memory, and with used
			require.Equal(t, "x "+v.signature, string(key.Append([]byte("x "), vectorID, vectorTime, []byte(vectorBody))), name)
		}
		public, err := signature.PublicKey(v.private)
		require.NoError(t, err)
		if v.public != "" {
			require.Equal(t, v.public, public)
		}
		signed := vector(func(h http.Header) { h.Set("webhook-signature", vectorSignature+" "+v.signature) })
		verify := func(h http.Header, body, public string) error {
			return signature.Verify(h, []byte(body), public, vectorTime, time.Minute)
		}
		require.NoError(t, verify(signed, vectorBody, public))
		require.ErrorIs(t, verify(signed, vectorBody+" ", public), signature.ErrMismatch)
		require.ErrorIs(t, verify(vector(nil), vectorBody, public), signature.ErrMismatch, "signed with the symmetric key alone")
		other, err := signature.PublicKey(signature.NewPrivateKey())
		require.NoError(t, err)
		require.ErrorIs(t, verify(signed, vectorBody, other), signature.ErrMismatch)
		require.EqualError(t, verify(signed, vectorBody, "whpk_AAAA"), "secret must be the base64 of 32 bytes after whpk_")
	}
}

func TestNewPrivateKeysAreUsableAndDiffer(t *testing.T) {
	t.Parallel()
	one, two := signature.NewPrivateKey(), signature.NewPrivateKey()
	require.NotEqual(t, one, two)
	_, err := signature.ParsePrivateKey(one)
	require.NoError(t, err)
}

func TestParsePrivateKeySaysWhatIsWrongButNotTheKey(t *testing.T) {
	t.Parallel()
	const length = "must be the base64 of an ed25519 key of 32 or 64 bytes after whsk_"
	for name, test := range map[string]struct{ key, rule string }{
		"a symmetric secret": {vectorSecret, "must begin with whsk_"},
		"not base64":         {"whsk_6Xb$", length},
		"33 bytes":           {"whsk_" + strings.Repeat("6Xb/", 11), length},
		"halves that do not belong together": {
			"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlaaaaaaaaaaAJ6p9lMicMFs6Kvg==",
			"must be an ed25519 key whose second half is the public key of the first",
		},
	} {
		_, err := signature.NewStandardKey(test.key)
		if name == "a symmetric secret" {
			_, err = signature.PublicKey(test.key)
		}
		require.Equal(t, hook.FieldError{Field: "secret", Rule: test.rule}, err, name)
		require.NotContains(t, err.Error(), "6Xb")
	}
}

func BenchmarkEd25519(b *testing.B) {
	key, err := signature.NewStandardKey(signature.NewPrivateKey())
	require.NoError(b, err)
	body := []byte(strings.Repeat("x", 400))
	room := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		key.Append(room, vectorID, vectorTime, body)
	}
}
