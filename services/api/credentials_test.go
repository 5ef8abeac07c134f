package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

// certified makes a certificate and its key, both PEM, for clients until a time.
func certified(t *testing.T, until time.Time, usage ...x509.ExtKeyUsage) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, ExtKeyUsage: usage}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func text(t *testing.T, value any) string {
	t.Helper()
	body, err := json.Marshal(value)
	require.NoError(t, err)
	return string(body)
}

// opened is what is kept of a webhook's credentials.
func (b *bench) opened(id string) (headers map[string]string, auth string) {
	b.t.Helper()
	ring, err := seal.ParseKeys(encryptionKey)
	require.NoError(b.t, err)
	w, err := b.store.Webhook(b.t.Context(), "acme", id)
	require.NoError(b.t, err)
	headers = map[string]string{}
	for _, h := range w.Headers {
		value, err := ring.Open(h.Value, w.HeaderContext(h.Name))
		require.NoError(b.t, err)
		headers[h.Name] = string(value)
	}
	if w.Auth == nil {
		return headers, ""
	}
	secret, err := ring.Open(w.Auth.Secret, w.AuthContext())
	require.NoError(b.t, err)
	return headers, string(secret)
}

func TestHeadersAreSealedAndShownByNameAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com/hook",
		"headers": {"x-api-key": "hunter2 hunter2", "X-Tenant": "7", "Authorization": "Token abc"}}`).requires(201)
	path := "/v1/webhooks/" + made.text("id")
	require.Equal(t, map[string]any{"X-Api-Key": "***", "X-Tenant": "***", "Authorization": "***"}, made.object()["headers"])
	kept, _ := b.opened(made.text("id"))
	require.Equal(t, map[string]string{"X-Api-Key": "hunter2 hunter2", "X-Tenant": "7", "Authorization": "Token abc"}, kept)

	b.acme().patch(path, `{"description": "x"}`).requires(200)
	b.acme().patch(path, `{"headers": {"X-API-KEY": "***", "X-Tenant": "8"}}`).requires(200)
	kept, _ = b.opened(made.text("id"))
	require.Equal(t, map[string]string{"X-Api-Key": "hunter2 hunter2", "X-Tenant": "8"}, kept, "one is kept, one is changed, one is gone")
	require.Equal(t, []string{"headers.X-Other: must be the value itself: there is none to keep"},
		b.acme().patch(path, `{"headers": {"X-Other": "***"}}`).requires(422).faults())
	require.Equal(t, map[string]any{}, b.acme().patch(path, `{"headers": {}}`).requires(200).object()["headers"])
}

func TestHeadersThatWouldForgeOursOrBreakTheRequestAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	for _, name := range []string{
		"webhook-id", "Webhook-Signature", "WEBHOOK-anything", "x-cn-signature", "X-Cn-Operation", "Digest", "ce-id", "Ce-Type", "traceparent",
		"tracestate", "Content-Type", "Content-Length", "Content-Encoding", "User-Agent", "Staffetta-Test", "Host", "Connection", "Keep-Alive",
		"TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection", "Accept-Encoding",
	} {
		require.Equal(t, []string{"headers." + name + ": must not be set: the sender sets it, or it belongs to the connection"},
			b.acme().patch(path, text(t, map[string]any{"headers": map[string]string{name: "x"}})).requires(422).faults())
	}
	for _, name := range []string{"", "X A", "X-A:", "X-\r\nY", "X-Ü", "X\x00", "X(A)", "Webhook_Signature", "X.A", strings.Repeat("x", 101)} {
		faults := b.acme().patch(path, text(t, map[string]any{"headers": map[string]string{name: "x"}})).requires(422).faults()
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], ": must be named by 1 to 100 letters, digits and hyphens", "%q", name)
	}
	for _, value := range []any{"", " x", "x ", "a\r\nX-B: c", "a\x00", "a\tb", "é", strings.Repeat("x", 2049), nil} {
		require.Equal(t, []string{"headers.X-A: must be 1 to 2048 visible ASCII characters, with spaces only between them"},
			b.acme().patch(path, text(t, map[string]any{"headers": map[string]any{"X-A": value}})).requires(422).faults(), "%q", value)
	}
	many, long := map[string]string{}, map[string]string{}
	for n := range 31 {
		many[fmt.Sprint("X-", n)] = "x"
	}
	for n := range 3 {
		long[fmt.Sprint("X-", n)] = strings.Repeat("x", 2000)
	}
	for body, want := range map[string]string{
		text(t, map[string]any{"headers": many}): "headers: must have at most 30 entries",
		text(t, map[string]any{"headers": long}): "headers: must have at most 4096 bytes in all",
		`{"headers": {"X-A": 7}}`:                "headers: must be an object of strings",
		`{"headers": null}`:                      "headers: must be an object of strings",
		`{"headers": ["X-A"]}`:                   "headers: must be an object of strings",
	} {
		require.Equal(t, []string{want}, b.acme().patch(path, body).requires(422).faults())
	}
	twice := b.acme().patch(path, `{"headers": {"X-A": "1", "x-a": "2"}}`).requires(422).faults()
	require.Len(t, twice, 1)
	require.Contains(t, twice[0], "must be there once: capitals do not count in names")

	const beside = "headers.Authorization: must not be set beside auth, which sets it"
	require.Equal(t, []string{beside}, b.acme().patch(path, `{"headers": {"Authorization": "x"}, "auth": {"type": "bearer", "token": "t"}}`).requires(422).faults())
	b.acme().patch(path, `{"auth": {"type": "bearer", "token": "t"}}`).requires(200)
	require.Equal(t, []string{beside}, b.acme().patch(path, `{"headers": {"authorization": "x"}}`).requires(422).faults())
	b.acme().patch(path, `{"headers": {"authorization": "x"}, "auth": {"type": "none"}}`).requires(200)
}

func TestAuthOfEachTypeIsSealedAndItsSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	certificate, key := certified(t, time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth)
	for _, c := range []struct {
		given  map[string]any
		secret string // its field
	}{
		{map[string]any{"type": "basic", "username": "staffetta", "password": "hunter2 é:"}, "password"},
		{map[string]any{"type": "bearer", "token": "hunter2"}, "token"},
		{map[string]any{"type": "oauth2", "tokenUrl": "https://login.example.com/token", "clientId": "c1", "clientSecret": "hunter2"}, "clientSecret"},
		{map[string]any{"type": "oauth2", "tokenUrl": "https://login.example.com/token?x=1", "clientId": "c1", "clientSecret": "hunter2",
			"scopes": []any{"hooks:write", "b"}, "audience": "https://example.com/"}, "clientSecret"},
		{map[string]any{"type": "mtls", "certificate": certificate, "key": key}, "key"},
	} {
		shown := map[string]any{}
		for field, value := range c.given {
			shown[field] = value
		}
		shown[c.secret] = "***"
		made := b.acme().post("/v1/webhooks", text(t, map[string]any{"itemTypes": []string{"*"}, "url": "https://example.com/hook", "auth": c.given})).requires(201)
		require.Equal(t, shown, made.object()["auth"])
		id := made.text("id")
		_, kept := b.opened(id)
		require.Equal(t, c.given[c.secret], kept)
		w, err := b.store.Webhook(t.Context(), "acme", id)
		require.NoError(t, err)
		require.NotContains(t, text(t, w), "hunter2", "it is sealed")

		// A document that was read can be sent back.
		again := b.acme().patch("/v1/webhooks/"+id, text(t, map[string]any{"auth": shown})).requires(200)
		require.Equal(t, shown, again.object()["auth"])
		_, kept = b.opened(id)
		require.Equal(t, c.given[c.secret], kept)
		require.Equal(t, map[string]any{"type": "none"}, b.acme().patch("/v1/webhooks/"+id, `{"auth": {"type": "none"}}`).requires(200).object()["auth"])
		require.Equal(t, []string{"auth." + c.secret + ": must be the value itself: there is none to keep"},
			b.acme().patch("/v1/webhooks/"+id, text(t, map[string]any{"auth": shown})).requires(422).faults())
	}
}

func TestRulesOfAuth(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	certificate, key := certified(t, time.Now().Add(time.Hour))
	expired, expiredKey := certified(t, time.Now().Add(-time.Hour))
	server, serverKey := certified(t, time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
	stranger, other := certified(t, time.Now().Add(time.Hour))
	const form = "auth.certificate: must be certificates in PEM form, the client's own first, and nothing else"
	const pair = "auth.key: must be the certificate's private key, in PEM form and not encrypted"
	mtls := func(certificate, key string) string {
		return text(t, map[string]string{"type": "mtls", "certificate": certificate, "key": key})
	}
	client := func(url string) string {
		return text(t, map[string]string{"type": "oauth2", "clientId": "c", "clientSecret": "hunter2", "tokenUrl": url})
	}
	for auth, want := range map[string][]string{
		`null`:                                 {"auth: must be an object with a type"},
		`"hunter2"`:                            {"auth: must be an object with a type"},
		`{}`:                                   {"auth.type: is required"},
		`{"type": "digest"}`:                   {"auth.type: must be none, basic, bearer, oauth2 or mtls (digest)"},
		`{"type": "none", "token": "hunter2"}`: {"auth.token: is not a known field; known are type"},
		`{"type": "basic"}`:                    {"auth.username: is required", "auth.password: is required"},
		`{"type": "basic", "username": "a:b", "password": "hunter2"}`:     {"auth.username: must be 1 to 256 characters without colons (a:b)"},
		`{"type": "basic", "username": "a", "password": "hunter2\u0000"}`: {"auth.password: must be 1 to 1024 characters without control characters"},
		`{"type": "basic", "username": "a", "password": ["hunter2"]}`:     {"auth.password: must be 1 to 1024 characters without control characters"},
		`{"type": "basic", "username": "a", "password": ""}`:              {"auth.password: must be 1 to 1024 characters without control characters"},
		`{"type": "bearer", "token": "hunter2 hunter2"}`:                  {"auth.token: must be 1 to 4096 visible ASCII characters"},
		`{"type": "bearer", "token": "t", "username": "u"}`:               {"auth.username: is not a known field; known are type, token"},
		`{"type": "oauth2"}`:                     {"auth.tokenUrl: is required", "auth.clientId: is required", "auth.clientSecret: is required"},
		client("http://login.example.com/"):      {"auth.tokenUrl: must be an https URL (http://login.example.com/)"},
		client("https://169.254.169.254/token"):  {"auth.tokenUrl: must not name a private or reserved address: 169.254.0.0/16 is link-local, where clouds keep their metadata (https://169.254.169.254/token)"},
		client("https://u:hunter2@example.com/"): {"auth.tokenUrl: must not hold a user name or password"},
		`{"type": "oauth2", "tokenUrl": "https://a.example.com", "clientId": "c", "clientSecret": "s", "scopes": ["a b"]}`: {
			`auth.scopes[0]: must be 1 to 256 visible ASCII characters without " and \ (a b)`},
		mtls(certificate, "no PEM hunter2"): {pair},
		mtls(certificate, other):            {pair},
		mtls("no PEM hunter2", key):         {form},
		mtls(key, key):                      {form},
		mtls(certificate+key, key):          {form},
		mtls(certificate+"hunter2", key):    {form},
		mtls(certificate, "\x01"):           {"auth.key: must be 1 to 32768 ASCII characters of a private key in PEM form"},
		mtls(server, serverKey):             {"auth.certificate: must be one for clients (extended key usage clientAuth)"},
	} {
		answer := b.acme().patch(path, `{"auth": `+auth+`}`).requires(422)
		require.Equal(t, want, answer.faults(), auth)
		require.NotContains(t, string(answer.body), "hunter2")
	}
	late := b.acme().patch(path, `{"auth": `+mtls(expired, expiredKey)+`}`).requires(422).faults()
	require.Len(t, late, 1)
	require.Contains(t, late[0], "auth.certificate: must not have expired: it was valid until ")

	// What stands before a certificate is not kept: it would be shown.
	b.acme().patch(path, `{"auth": `+mtls("hunter2\n"+certificate, key)+`}`).requires(200)
	require.Equal(t, certificate, b.acme().get(path).object()["auth"].(map[string]any)["certificate"]) //nolint:errcheck // an object
	require.Equal(t, []string{pair}, b.acme().patch(path, `{"auth": `+mtls(stranger, "***")+`}`).requires(422).faults(), "the kept key has to fit")
}

// Who may change a webhook may send its requests elsewhere, but not with what was
// given for the receiver before.
func TestCredentialsDoNotFollowAURLToAnotherReceiver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const again = "must be given again, with their values: url names another receiver now"
	path := "/v1/webhooks/" + b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com/hook",
		"headers": {"X-A": "a"}, "auth": {"type": "bearer", "token": "t"}}`).requires(201).text("id")
	for _, url := range []string{"https://example.com/hook", "https://EXAMPLE.com:443/other?x=1"} {
		b.acme().patch(path, `{"url": "`+url+`"}`).requires(200)
	}
	for body, want := range map[string]string{
		`{"url": "https://evil.example.com/"}`:                                                                      "headers: " + again,
		`{"url": "https://example.com:8443/"}`:                                                                      "headers: " + again,
		`{"url": "https://evil.example.com/", "headers": {"X-A": "***"}, "auth": {"type": "none"}}`:                 "headers: " + again,
		`{"url": "https://evil.example.com/", "headers": {}}`:                                                       "auth: " + again,
		`{"url": "https://evil.example.com/", "headers": {"X-A": "b"}, "auth": {"type": "bearer", "token": "***"}}`: "auth: " + again,
	} {
		require.Equal(t, []string{want}, b.acme().patch(path, body).requires(422).faults(), body)
	}
	b.acme().patch(path, `{"url": "https://other.example.com/", "headers": {"X-A": "b"}, "auth": {"type": "bearer", "token": "u"}}`).requires(200)

	oauth := `{"type": "oauth2", "clientId": "c", "clientSecret": "%s", "tokenUrl": "https://%s/token"}`
	b.acme().patch(path, `{"auth": `+fmt.Sprintf(oauth, "s", "login.example.com")+`}`).requires(200)
	require.Equal(t, []string{"auth.clientSecret: must be given again: the one to keep was given for another tokenUrl"},
		b.acme().patch(path, `{"auth": `+fmt.Sprintf(oauth, "***", "evil.example.com")+`}`).requires(422).faults())

	certificate, key := certified(t, time.Now().Add(time.Hour))
	b.acme().patch(path, `{"headers": {}, "auth": `+text(t, map[string]string{"type": "mtls", "certificate": certificate, "key": key})+`}`).requires(200)
	b.acme().patch(path, `{"url": "https://third.example.com/"}`).requires(200) // a key is never sent
}

func TestNoCredentialReachesALogOrAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	path := "/v1/webhooks/" + id
	const secret = "hunter2-hunter2"
	var shown [][]byte
	for body, code := range map[string]int{
		`{"headers": {"X-A": "` + secret + `"}, "timeout": "1h"}`:                                     422,
		`{"headers": {"X-A": "` + secret + `é"}}`:                                                     422,
		`{"headers": {"Digest": "` + secret + `"}}`:                                                   422,
		`{"headers": "` + secret + `"}`:                                                               422,
		`{"headers": {"X-A": "` + secret + `"}}`:                                                      200,
		`{"auth": {"type": "basic", "username": "u", "password": "` + secret + `", "x": 1}}`:          422,
		`{"auth": {"type": "` + "basic" + `", "username": "u", "password": {"x": "` + secret + `"}}}`: 422,
		`{"auth": ["` + secret + `"]}`:                                                                422,
		`{"auth": {"type": "basic", "username": "u", "password": "` + secret + `"}}`:                  200,
	} {
		shown = append(shown, b.acme().patch(path, body).requires(code).body)
	}
	shown = append(shown, b.acme().get(path).requires(200).body, b.acme().get("/v1/webhooks").requires(200).body)
	b.acme().delete(path).requires(204)
	shown = append(shown, b.acme().get(path).requires(200).body)
	w, err := b.store.Webhook(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Equal(t, hook.Revoked, w.Status)
	require.Nil(t, w.Auth)
	require.Empty(t, w.Headers)
	require.NoError(t, b.db.Close())
	for _, body := range []string{`{"headers": {"X-A": "` + secret + `"}}`, `{"auth": {"type": "bearer", "token": "` + secret + `"}}`} {
		shown = append(shown, b.acme().patch(path, body).body)
	}
	for _, text := range append(shown, b.log.Bytes()) {
		require.NotContains(t, string(text), "hunter2")
	}
}
