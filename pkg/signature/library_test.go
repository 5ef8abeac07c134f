package signature_test

import (
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
)

// The libraries below are those that receivers install; they were not written here.

func TestTheLibraryFromPyPIVerifiesWhatWeSign(t *testing.T) {
	t.Parallel()
	python := program(t, "python3")
	if exec.Command(python, "-c", "import standardwebhooks").Run() != nil {
		t.Skip("not installed: Python's standardwebhooks")
	}
	const receiver = `
import sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
secret, ident, at, sig, body = sys.argv[1:]
try:
    Webhook(secret).verify(body.encode(), {"webhook-id": ident, "webhook-timestamp": at, "webhook-signature": sig})
    print("verified")
except WebhookVerificationError:
    print("refused")`
	secret, now := signature.NewSecret(), time.Now()
	key, err := signature.ParseSecret(secret)
	require.NoError(t, err)
	sig := signature.Standard(key, vectorID, now, []byte(vectorBody))
	run := func(secret, sig string) string {
		out, err := exec.Command(python, "-c", receiver, secret, vectorID,
			strconv.FormatInt(now.Unix(), 10), sig, vectorBody).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	require.Equal(t, "verified\n", run(secret, sig))
	require.Equal(t, "verified\n", run(secret, vectorSignature+" "+sig), "while a secret rotates")
	require.Equal(t, "refused\n", run(signature.NewSecret(), sig))
}

// Node.js's standardwebhooks has no ed25519: that is checked with Node.js's own
// cryptography.
func TestTheLibraryFromNpmVerifiesWhatWeSign(t *testing.T) {
	t.Parallel()
	node := program(t, "node")
	if exec.Command(node, "-e", `require("standardwebhooks")`).Run() != nil {
		t.Skip("not installed: Node.js's standardwebhooks")
	}
	const receiver = `
const { Webhook, WebhookVerificationError } = require("standardwebhooks")
const [secret, id, at, signature, body] = process.argv.slice(1)
try {
  new Webhook(secret).verify(body, { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature })
  console.log("verified")
} catch (error) {
  if (!(error instanceof WebhookVerificationError)) throw error
  console.log("refused")
}`
	secret, now := signature.NewSecret(), time.Now()
	sig := sign(t, secret, now)
	run := func(secret, sig string) string {
		return printed(t, node, "-e", receiver, "--", secret, vectorID, strconv.FormatInt(now.Unix(), 10), sig, vectorBody)
	}
	require.Equal(t, "verified\n", run(secret, sig))
	require.Equal(t, "verified\n", run(secret, vectorSignature+" "+sign(t, signature.NewPrivateKey(), now)+" "+sig), "while a secret rotates")
	require.Equal(t, "refused\n", run(signature.NewSecret(), sig))
}

func TestNodeVerifiesWhatWeSignWithEd25519(t *testing.T) {
	t.Parallel()
	node := program(t, "node")
	const receiver = `
const { createPublicKey, verify } = require("crypto")
const [key, id, at, signature, body] = process.argv.slice(1)
const x = Buffer.from(key.replace("whpk_", ""), "base64").toString("base64url")
const fits = verify(null, Buffer.from(id + "." + at + "." + body),
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }), Buffer.from(signature.split(",")[1], "base64"))
console.log(fits ? "verified" : "refused")`
	private, now := signature.NewPrivateKey(), time.Now()
	run := func(private, body string) string {
		public, err := signature.PublicKey(private)
		require.NoError(t, err)
		return printed(t, node, "-e", receiver, "--", public, vectorID, strconv.FormatInt(now.Unix(), 10), sign(t, private, now), body)
	}
	require.Equal(t, "verified\n", run(private, vectorBody))
	require.Equal(t, "refused\n", run(private, vectorBody+" "))
}

// sign signs the vector's request at another time.
func sign(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := signature.NewStandardKey(secret)
	require.NoError(t, err)
	return string(key.Append(nil, vectorID, at, []byte(vectorBody)))
}

func printed(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
