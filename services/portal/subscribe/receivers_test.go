package subscribe_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/portal/subscribe"
)

// kinds are what there is to verify.
var kinds = []struct {
	format    hook.Format
	signature hook.Signature
}{
	{hook.FormatStandard, hook.HMACSHA256}, {hook.FormatStandard, hook.Ed25519}, {hook.FormatRentman, hook.HMACSHA256},
	{hook.FormatCassaInCloud, hook.HMACSHA256}, {hook.FormatCloudEvents, hook.HMACSHA256}, {hook.FormatCloudEvents, hook.Ed25519},
}

// programs run them.
var programs = map[string]string{"go": "go", "php": "php", "node": "node", "python": "python3"}

// Nobody is shown code that does not verify: each program is started as the page says,
// and gets what the sender would send.
func TestReceiversVerifyWhatWeSignAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		all, err := subscribe.Receivers(client.WebhookFormat(kind.format), client.WebhookSignature(kind.signature))
		require.NoError(t, err)
		require.Len(t, all, 4)
		for _, r := range all {
			t.Run(string(kind.format)+" "+string(kind.signature)+" in "+r.Language, func(t *testing.T) {
				t.Parallel()
				secret, err := format.NewSecret(kind.format, kind.signature)
				require.NoError(t, err)
				other, err := format.NewSecret(kind.format, kind.signature)
				require.NoError(t, err)
				known := secret
				if kind.signature == hook.Ed25519 {
					known, err = signature.PublicKey(secret)
					require.NoError(t, err)
				}
				at := start(t, r, known)
				now := time.Now()
				require.Equal(t, http.StatusNoContent, deliver(t, at, kind.format, now, "", secret), "ours")
				require.Equal(t, http.StatusUnauthorized, deliver(t, at, kind.format, now, "", other), "of another secret")
				require.Equal(t, http.StatusUnauthorized, deliver(t, at, kind.format, now, "x", secret), "changed on the way")
				require.Equal(t, http.StatusUnauthorized, deliver(t, at, kind.format, now, "", ""), "not signed")
				if kind.format == hook.FormatStandard || kind.format == hook.FormatCloudEvents {
					require.Equal(t, http.StatusNoContent, deliver(t, at, kind.format, now, "", other, secret), "while a secret rotates")
					require.Equal(t, http.StatusUnauthorized, deliver(t, at, kind.format, now.Add(-6*time.Minute), "", secret), "heard again later")
					require.Equal(t, http.StatusUnauthorized, deliver(t, at, kind.format, now.Add(6*time.Minute), "", secret), "from the future")
				}
			})
		}
	}
}

// start runs a receiver on a free port, and gives its URL.
func start(t *testing.T, r subscribe.Receiver, secret string) string {
	t.Helper()
	program, err := exec.LookPath(programs[r.ID])
	if err != nil {
		t.Skip("not installed: " + r.Language)
	}
	if r.Needs != "" && exec.CommandContext(t.Context(), program, "-c", "import cryptography").Run() != nil {
		t.Skip("not installed: Python's cryptography")
	}
	var listen net.ListenConfig
	free, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)

	folder := t.TempDir()
	require.Contains(t, r.Code+r.Run, "9000")
	require.NoError(t, os.WriteFile(filepath.Join(folder, r.File), []byte(strings.ReplaceAll(r.Code, "9000", port)), 0o600))
	words := strings.Fields(strings.ReplaceAll(r.Run, "9000", port))
	require.Equal(t, programs[r.ID], words[0])
	args := words[1:]
	if r.ID == "go" { // go run leaves its child behind when it is ended
		build := exec.CommandContext(t.Context(), program, "build", "-o", "receiver", r.File)
		build.Dir, build.Env = folder, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
		program, args = filepath.Join(folder, "receiver"), nil
	}
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	var out bytes.Buffer
	running := exec.CommandContext(ctx, program, args...)
	running.Dir, running.Env, running.Stdout, running.Stderr = folder, append(os.Environ(), "WEBHOOK_SECRET="+secret), &out, &out
	require.NoError(t, running.Start())
	t.Cleanup(func() {
		end()
		_ = running.Wait() // killed
		if t.Failed() {
			t.Logf("%s", out.String())
		}
	})
	require.Eventually(t, func() bool {
		var dial net.Dialer
		c, err := dial.DialContext(t.Context(), "tcp", address)
		return err == nil && c.Close() == nil
	}, time.Minute, 10*time.Millisecond)
	return "http://" + address + "/"
}

// deliver sends a delivery, with something behind its body, and gives the status. Without
// a secret it is not signed.
func deliver(t *testing.T, to string, f hook.Format, at time.Time, behind string, secrets ...string) int {
	t.Helper()
	w := &hook.Webhook{ID: "wh_1", Format: f, Language: hook.Italian, Payload: hook.Full, CloudEvents: hook.Structured}
	e := &hook.Event{
		ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Contact", Date: at.Format(time.RFC3339), Published: at,
		Items: []hook.Item{{ID: "7", Ref: "/contacts/7", Data: []byte(`{"name":"Però"}`)}},
	}
	rendered, err := format.Render(nil, w, "The ACME", e, "dlv_1")
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(string(rendered.Body)+behind))
	require.NoError(t, err)
	if secrets[0] != "" {
		all := make([]format.Secret, len(secrets))
		for i, s := range secrets {
			all[i] = format.Secret{Text: s, Until: at.Add(time.Hour)}
		}
		require.NoError(t, format.Sign(r.Header, f, rendered, format.Signing{Delivery: "dlv_1", At: at, Secrets: all}))
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}
