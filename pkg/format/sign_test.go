package format_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

const delivery = "dlv_0000000000000000000000000a"

var now = time.Unix(1675335600, 987_000_000)

func request(body string) format.Request {
	return format.Request{Body: []byte(body), ContentType: "application/json"}
}

// rotating are secrets of which the old ones last for another minute.
func rotating(current string, old ...string) []format.Secret {
	secrets := []format.Secret{{Text: current}}
	for _, text := range old {
		secrets = append(secrets, format.Secret{Text: text, Until: now.Add(time.Minute)})
	}
	return secrets
}

func TestStandardRequestsCarryTheHeadersOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	fresh, old := signature.NewSecret(), signature.NewSecret()
	r := request(`{"type":"contact.create"}`)
	h := http.Header{}
	require.NoError(t, format.Sign(h, hook.FormatStandard, r, format.Signing{
		Delivery: delivery, At: now, Secrets: rotating(fresh, old),
	}))
	require.Equal(t, "application/json", h.Get("content-type"))
	require.Equal(t, delivery, h.Get("webhook-id"))
	require.Equal(t, "1675335600", h.Get("webhook-timestamp"))
	require.Len(t, strings.Fields(h.Get("webhook-signature")), 2)
	for _, secret := range []string{fresh, old} {
		require.NoError(t, signature.Verify(h, r.Body, secret, now, time.Minute), "while a secret rotates both verify")
	}
	require.ErrorIs(t, signature.Verify(h, r.Body, signature.NewSecret(), now, time.Minute), signature.ErrMismatch)
}

func TestRentmanRequestsCarryADigest(t *testing.T) {
	t.Parallel()
	e := examples(paths{"/equipaggio/", "/contatti/", "/numeroseriali/", "/attrezzatura/"})["update"]
	r, err := format.Render(nil, &hook.Webhook{Format: hook.FormatRentman, Language: hook.Italian}, "Perché", &e, delivery)
	require.NoError(t, err)
	h := http.Header{}
	require.NoError(t, format.Sign(h, hook.FormatRentman, r, format.Signing{
		Delivery: delivery, At: now, Secrets: rotating("some_secret_key"),
	}))
	require.NoError(t, signature.VerifyDigest(h, r.Body, "some_secret_key"))
	require.Len(t, h, 2, "only Content-Type and Digest")

	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("not installed: openssl")
	}
	file := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(file, r.Body, 0o600))
	out, err := exec.Command(openssl, "dgst", "-sha512", "-hmac", "some_secret_key", "-r", file).Output()
	require.NoError(t, err)
	require.Equal(t, "sha512="+strings.Fields(string(out))[0], h.Get("Digest"))
}

func TestARequestThatCannotBeSignedIsAnErrorWithoutTheSecret(t *testing.T) {
	t.Parallel()
	err := format.Sign(http.Header{}, hook.FormatStandard, request("{}"), format.Signing{Secrets: rotating("some_secret_key")})
	require.EqualError(t, err, "secret must begin with whsec_")
	err = format.Sign(http.Header{}, hook.FormatRentman, request("{}"), format.Signing{})
	require.EqualError(t, err, "secret must be there to sign with")
	require.EqualError(t, format.CheckSecret(hook.FormatStandard, hook.HMACSHA256, "some_secret_key"), "secret must begin with whsec_")
	require.EqualError(t, format.CheckSecret(hook.FormatRentman, hook.HMACSHA256, "key"), "secret must be 8 to 256 visible ASCII characters")
}

func TestASignerSignsForMany(t *testing.T) {
	t.Parallel()
	secret := signature.NewSecret()
	signer, err := format.NewSigner(hook.FormatStandard, rotating(secret))
	require.NoError(t, err)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 50 {
				r := request(strings.Repeat("x", n))
				h := http.Header{}
				for _, line := range signer.Append(nil, r, delivery, now) {
					h.Set(line.Name, line.Value)
				}
				assert.NoError(t, signature.Verify(h, r.Body, secret, now, time.Minute))
			}
		})
	}
	all.Wait()
}

func BenchmarkSign(b *testing.B) {
	r := request(strings.Repeat("x", 400))
	for f, secret := range map[hook.Format]string{
		hook.FormatStandard: signature.NewSecret(), hook.FormatRentman: signature.NewToken(),
	} {
		b.Run(string(f), func(b *testing.B) {
			s := format.Signing{Delivery: delivery, At: now, Secrets: rotating(secret)}
			b.ReportAllocs()
			for b.Loop() {
				if err := format.Sign(http.Header{}, f, r, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSigner(b *testing.B) {
	r := request(strings.Repeat("x", 400))
	for f, secret := range map[hook.Format]string{
		hook.FormatStandard: signature.NewSecret(), hook.FormatRentman: signature.NewToken(),
		hook.FormatCassaInCloud: signature.NewToken(), hook.FormatCloudEvents: signature.NewPrivateKey(),
	} {
		b.Run(string(f), func(b *testing.B) {
			signer, err := format.NewSigner(f, rotating(secret))
			require.NoError(b, err)
			var room [8]hook.Header
			b.ReportAllocs()
			for b.Loop() {
				signer.Append(room[:0], r, delivery, now)
			}
		})
	}
}
