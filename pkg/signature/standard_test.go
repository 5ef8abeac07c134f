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

// The vector of the Standard Webhooks specification's reference libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

// vector is the request of the vector, changed as the test wants it.
func vector(change func(http.Header)) http.Header {
	h := http.Header{}
	h.Set("webhook-id", vectorID)
	h.Set("webhook-timestamp", "1614265330")
	h.Set("webhook-signature", vectorSignature)
	if change != nil {
		change(h)
	}
	return h
}

func TestStandardSignsAsTheSpecificationDoes(t *testing.T) {
	t.Parallel()
	key, err := signature.ParseSecret(vectorSecret)
	require.NoError(t, err)
	require.Equal(t, vectorSignature, signature.Standard(key, vectorID, vectorTime, []byte(vectorBody)))
	require.Equal(t, "x "+vectorSignature,
		string(signature.AppendStandard([]byte("x "), key, vectorID, vectorTime, []byte(vectorBody))))
}

func TestVerifyTakesWhatTheSpecificationTakes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(http.Header){
		"as signed": nil,
		"several signatures, of other versions and keys too": func(h http.Header) {
			const other = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
			h.Set("webhook-signature", "v1,"+other+" v2,"+other+" v1a,"+other+" "+vectorSignature+" v1,"+other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, signature.Verify(vector(change), []byte(vectorBody), vectorSecret, vectorTime, signature.DefaultTolerance))
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for name, test := range map[string]struct {
		change func(http.Header)
		body   string
		secret string
		now    time.Time
		want   error
	}{
		"another body":        {body: `{"test": 2432232315}`, want: signature.ErrMismatch},
		"another secret":      {secret: signature.NewSecret(), want: signature.ErrMismatch},
		"another id":          {change: set("webhook-id", "msg_other"), want: signature.ErrMismatch},
		"another time":        {change: set("webhook-timestamp", "1614265331"), want: signature.ErrMismatch},
		"no version":          {change: set("webhook-signature", vectorSignature[3:]), want: signature.ErrMismatch},
		"another version":     {change: set("webhook-signature", "v2"+vectorSignature[2:]), want: signature.ErrMismatch},
		"part of a signature": {change: set("webhook-signature", vectorSignature[:20]), want: signature.ErrMismatch},
		"no id":               {change: set("webhook-id", ""), want: signature.ErrHeader},
		"no time":             {change: set("webhook-timestamp", ""), want: signature.ErrHeader},
		"a time in words":     {change: set("webhook-timestamp", "hello"), want: signature.ErrHeader},
		"no signature":        {change: set("webhook-signature", ""), want: signature.ErrHeader},
		"too old":             {now: vectorTime.Add(5*time.Minute + time.Second), want: signature.ErrTimestamp},
		"from the future":     {now: vectorTime.Add(-5*time.Minute - time.Second), want: signature.ErrTimestamp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, secret, now := vectorBody, vectorSecret, vectorTime
			if test.body != "" {
				body = test.body
			}
			if test.secret != "" {
				secret = test.secret
			}
			if !test.now.IsZero() {
				now = test.now
			}
			err := signature.Verify(vector(test.change), []byte(body), secret, now, 5*time.Minute)
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestNewSecretsAreUsableAndDiffer(t *testing.T) {
	t.Parallel()
	one, two := signature.NewSecret(), signature.NewSecret()
	require.NotEqual(t, one, two)
	key, err := signature.ParseSecret(one)
	require.NoError(t, err)
	require.Len(t, key, 32)
}

func TestParseSecretSaysWhatIsWrongButNotTheSecret(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ secret, rule string }{
		"no prefix":      {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "must begin with whsec_"},
		"not base64":     {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa$w", "must be base64 after whsec_"},
		"23 bytes":       {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=", "must be the base64 of 24 to 64 bytes after whsec_"},
		"65 bytes":       {"whsec_" + strings.Repeat("MfKQ", 21) + "MfI=", "must be the base64 of 24 to 64 bytes after whsec_"},
		"nothing":        {"", "must begin with whsec_"},
		"a prefix alone": {"whsec_", "must be the base64 of 24 to 64 bytes after whsec_"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.ParseSecret(test.secret)
			var fault hook.FieldError
			require.ErrorAs(t, err, &fault)
			require.Equal(t, hook.FieldError{Field: "secret", Rule: test.rule}, fault)
			require.NotContains(t, err.Error(), "MfKQ")
		})
	}
}

func BenchmarkStandard(b *testing.B) {
	key, err := signature.ParseSecret(vectorSecret)
	require.NoError(b, err)
	body := []byte(strings.Repeat("x", 400))
	room := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		signature.AppendStandard(room, key, vectorID, vectorTime, body)
	}
}
