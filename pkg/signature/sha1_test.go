package signature_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
)

func sha1Signature(token string) string {
	return string(signature.NewSHA1Key(token).Append(nil, []byte(body)))
}

// The implementations below share no code with ours.

func TestTheSHA1SignatureIsWhatOpenSSLMakes(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(program(t, "openssl"), "dgst", "-sha1", "-hmac", token, "-r", bodyFile(t)).Output()
	require.NoError(t, err)
	require.Equal(t, strings.Fields(string(out))[0], sha1Signature(token))
}

func TestTheSHA1SignatureIsWhatPHPMakes(t *testing.T) {
	t.Parallel()
	const receiver = `echo hash_equals(hash_hmac('sha1', file_get_contents($argv[1]), $argv[3]), $argv[2]) ? 'yes' : 'no';`
	run := func(signature string) string {
		out, err := exec.Command(program(t, "php"), "-r", receiver, "--", bodyFile(t), signature, token).Output()
		require.NoError(t, err)
		return string(out)
	}
	require.Equal(t, "yes", run(sha1Signature(token)))
	require.Equal(t, "no", run(sha1Signature("another_key")))
}

func TestVerifySHA1(t *testing.T) {
	t.Parallel()
	request := func(value string) http.Header {
		h := http.Header{}
		h.Set("x-cn-signature", value)
		return h
	}
	right := sha1Signature(token)
	require.Len(t, right, 40)
	require.NoError(t, signature.VerifySHA1(request(right), []byte(body), token))
	require.ErrorIs(t, signature.VerifySHA1(request(right), []byte(body+" "), token), signature.ErrMismatch)
	require.ErrorIs(t, signature.VerifySHA1(request(right), []byte(body), "another_key"), signature.ErrMismatch)
	require.ErrorIs(t, signature.VerifySHA1(http.Header{}, []byte(body), token), signature.ErrHeader)
}
