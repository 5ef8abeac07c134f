package signature_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

const (
	// The token of the document's example.
	token = "some_secret_key"
	body  = `{"account":"nome del tuo account","elementi":[10,31],"perché":"è così"}`
)

// The implementations below share no code with ours.

func TestDigestIsWhatOpenSSLMakes(t *testing.T) {
	t.Parallel()
	openssl := program(t, "openssl")
	out, err := exec.Command(openssl, "dgst", "-sha512", "-hmac", token, bodyFile(t)).Output()
	require.NoError(t, err)
	_, digest, found := strings.Cut(strings.TrimSpace(string(out)), "= ")
	require.True(t, found, "openssl printed %q", out)
	require.Equal(t, "sha512="+digest, signature.Digest(token, []byte(body)))
}

func TestDigestPassesTheDocumentsPHP(t *testing.T) {
	t.Parallel()
	php := program(t, "php")
	// The document's receiver, with its headers and body as arguments.
	const receiver = `
		$raw_body = file_get_contents($argv[1]);
		$digestParts = explode('=', $argv[2]);
		$algo = $digestParts[0];
		$digest = $digestParts[1];
		$clientGeneratedDigest = hash_hmac($algo, $raw_body, $argv[3], false);
		echo $digest === $clientGeneratedDigest ? 'from Rentman' : 'not from Rentman';`
	run := func(digest string) string {
		out, err := exec.Command(php, "-r", receiver, "--", bodyFile(t), digest, token).Output()
		require.NoError(t, err)
		return string(out)
	}
	require.Equal(t, "from Rentman", run(signature.Digest(token, []byte(body))))
	require.Equal(t, "not from Rentman", run(signature.Digest("another_key", []byte(body))))
}

func TestVerifyDigest(t *testing.T) {
	t.Parallel()
	request := func(digest string) http.Header {
		h := http.Header{}
		h.Set("Digest", digest)
		return h
	}
	right := signature.Digest(token, []byte(body))
	require.NoError(t, signature.VerifyDigest(request(right), []byte(body), token))
	require.ErrorIs(t, signature.VerifyDigest(request(right), []byte(body+" "), token), signature.ErrMismatch)
	require.ErrorIs(t, signature.VerifyDigest(request(right), []byte(body), "another_key"), signature.ErrMismatch)
	require.ErrorIs(t, signature.VerifyDigest(request("sha256=00"), []byte(body), token), signature.ErrHeader)
	require.ErrorIs(t, signature.VerifyDigest(http.Header{}, []byte(body), token), signature.ErrHeader)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	made := signature.NewToken()
	require.Len(t, made, 64)
	require.NotEqual(t, made, signature.NewToken())
	for _, good := range []string{made, token, "12345678", strings.Repeat("x", 256)} {
		require.NoError(t, signature.CheckToken(good))
	}
	for _, bad := range []string{"", "1234567", "a secret key", "segreto_perché", "token\nwith_lines", strings.Repeat("x", 257)} {
		err := signature.CheckToken(bad)
		require.Equal(t, hook.FieldError{Field: "secret", Rule: "must be 8 to 256 visible ASCII characters"}, err)
	}
}

func BenchmarkDigest(b *testing.B) {
	body := []byte(strings.Repeat("x", 400))
	room := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		signature.AppendDigest(room, token, body)
	}
}

// program finds one that may not be installed.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("not installed: " + name)
	}
	return path
}

func bodyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte(body), 0o600))
	return path
}
