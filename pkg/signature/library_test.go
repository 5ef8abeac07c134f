package signature_test

import (
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
)

// Python's standardwebhooks is the library that receivers install; it was not
// written here.
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
