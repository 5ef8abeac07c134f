package sender

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// echoes are the ways in which a receiver may say what it got.
var echoes = map[string]func(string) string{
	"plain": func(s string) string { return s },
	"json": func(s string) string {
		text, _ := json.Marshal(s)
		return string(text)
	},
	"php": func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
	"dotnet": func(s string) string {
		return strings.NewReplacer("+", `\u002B`, "=", `\u003D`, "/", `\u002F`).Replace(s)
	},
	"query": url.QueryEscape,
	"path":  url.PathEscape,
	"html":  html.EscapeString,
	"xml": func(s string) string {
		return strings.NewReplacer("+", "&#43;", "=", "&#61;", "/", "&#47;").Replace(s)
	},
}

// leaked is a piece of a secret that stands in a text, in whatever case.
func leaked(text, secret string) string {
	text, secret = strings.ToLower(text), strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(secret, "whsec_"), "whsk_"))
	for at := 0; at+minRun <= len(secret); at++ {
		if piece := secret[at : at+minRun]; strings.Contains(text, piece) {
			return piece
		}
	}
	return ""
}

// A receiver that says all it got and all it knows, in its body and its header:
// nothing of it is secret in what the log gets.
func TestNoSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	const query = "token=correct%2Fhorse%2Fbattery&plain=staple-staple"
	o := testOwner()
	for name, echo := range echoes {
		for format, secret := range map[hook.Format]string{
			hook.FormatStandard: signature.NewSecret(), hook.FormatRentman: signature.NewToken(),
			hook.FormatCassaInCloud: signature.NewToken(), hook.FormatCloudEvents: signature.NewPrivateKey(),
		} {
			url, proofs := echoing(t, echo, secret)
			w := targetOf(t, hook.Webhook{ID: "wh_1", URL: url + "/hooks?" + query, Format: format, Timeout: 20 * time.Second}, secret)
			out := o.post(sampleTask(), w)
			require.Equal(t, 400, out.status, out.detail)
			log := fmt.Sprintf("%+v %s", out, out.response)
			require.Contains(t, log, masked)
			require.Contains(t, log, "12014", "the rest is there")
			for _, secret := range []string{
				secret, <-proofs, "correct%2Fhorse%2Fbattery", "correct/horse/battery", "staple-staple", "0123456789abcdef",
			} {
				require.Empty(t, leaked(log, secret), "%s of %s: %s", name, secret, log)
			}
		}
	}
}

// echoing starts such a receiver. It tells the signatures that it got.
func echoing(t *testing.T, echo func(string) string, secret string) (url string, proofs <-chan string) {
	t.Helper()
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, proof, _ := strings.Cut(r.Header.Get(signature.HeaderSignature), ",")
		if digest := r.Header.Get(signature.HeaderDigest); digest != "" {
			proof = strings.TrimPrefix(digest, "sha512=")
			w.Header().Set("X-"+proof, "1")
		}
		if digest := r.Header.Get(signature.HeaderCN); digest != "" {
			proof = digest
		}
		got <- proof
		for name, values := range r.Header {
			w.Header().Set("X-Echo-"+name, echo(values[0]))
		}
		w.Header().Set("X-Known", echo(secret))
		w.Header().Set("Location", "/elsewhere?"+r.URL.RawQuery)
		w.Header().Set("X-Api-Key", "0123456789abcdef")
		w.Header().Set("Proxy-Authenticate", "0123456789abcdef")
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "0123456789abcdef"})
		w.WriteHeader(http.StatusBadRequest)
		dump, _ := httputil.DumpRequest(r, true)
		_, _ = io.WriteString(w, echo(string(dump)+" signed with "+secret))
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, got
}

func TestNoSecretReachesAnErrorsWords(t *testing.T) {
	t.Parallel()
	secret := signature.NewSecret()
	url, echo := rawReceiver(t)
	echo <- "HTTP/1.1 " + secret + " Oops\r\n\r\n"
	w := targetOf(t, hook.Webhook{ID: "wh_1", URL: url, Format: hook.FormatStandard, Timeout: 20 * time.Second}, secret)
	out := testOwner().post(sampleTask(), w)
	require.Equal(t, hook.ReasonProtocol, out.reason)
	require.Contains(t, out.detail, `malformed HTTP status code "***"`)
}

// rawReceiver answers each request by what it is told.
func rawReceiver(t *testing.T) (url string, answers chan<- string) {
	t.Helper()
	said := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, <-said)
			_ = conn.Close()
		}
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, said
}

func TestTheKeyInASecretIsSecretToo(t *testing.T) {
	t.Parallel()
	key := []byte("key 0123456789 0123456789!?")
	m := newMask([]string{"whsec_" + base64.StdEncoding.EncodeToString(key)}, "")
	for _, form := range []string{
		base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key),
		hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)),
	} {
		require.Equal(t, "<***>", strings.ReplaceAll(m.text("<"+form+">", false), "***=", "***"))
	}
}

func TestWhatIsKeptOfAHeaderIsBounded(t *testing.T) {
	t.Parallel()
	v := veil{mask: newMask(nil, "")}
	kept := v.headers([]hook.Header{
		{Name: "A", Value: strings.Repeat("é", maxHeaderValue)}, {Name: "B", Value: "2"}, {Name: "B", Value: "1"},
	})
	require.Len(t, kept, 3)
	require.Equal(t, "A", kept[0].Name)
	require.LessOrEqual(t, len(kept[0].Value), maxHeaderValue)
	require.True(t, strings.HasSuffix(kept[0].Value, "é…"))
	require.Equal(t, []hook.Header{{Name: "B", Value: "2"}, {Name: "B", Value: "1"}}, kept[1:])

	var h []hook.Header
	for n := range 100 {
		h = append(h, hook.Header{Name: fmt.Sprintf("X-%03d", n), Value: strings.Repeat("x", 100)})
	}
	size := 0
	for _, line := range v.headers(h) {
		size += len(line.Name) + len(line.Value)
	}
	require.LessOrEqual(t, size, maxHeaders)
	require.Greater(t, size, maxHeaders-200)
	require.Nil(t, v.headers(nil))
}

// Wherever an answer is cut, no piece of a secret is left at its end.
func FuzzNoPieceOfASecretIsLeft(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmn"), "the secret is ", uint16(30))
	f.Add([]byte("\xfb\xef\xbe\xfb\xef\xbe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "", uint16(9))
	f.Add([]byte("0000000000000000000\xff\xfb\xcc\x0c\x0c\x0d\xfd\x00\x00\x00\x00\x00\x00"), "0", uint16(35))
	f.Fuzz(func(t *testing.T, key []byte, before string, cut uint16) {
		if len(key) < 24 || len(key) > 64 || len(before) > 100 {
			return
		}
		secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
		if leaked(before+masked, secret) != "" {
			return
		}
		v := veil{mask: newMask([]string{secret}, "")}
		for name, echo := range echoes {
			text := before + echo(secret) + " and again " + echo(secret)
			require.Empty(t, leaked(string(v.body([]byte(text), false)), secret), name)
			text = text[:min(len(text), int(cut))]
			kept := string(v.body([]byte(text), true))
			require.Empty(t, leaked(kept, secret), "%s cut at %d: %s", name, cut, kept)
		}
	})
}

func TestAHeadersNameTellsThatItIsSecret(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Authorization", "Cookie", "Set-Cookie", "Proxy-Authenticate", "X-Auth-User", "X-Token", "X-Csrf-Token-Old", "Api-Key", "X-Apikey",
		"Secret", "X-Passwd", "X-My-Password", "Credentials", "X-Session-Id", "Webhook-Signature", "X-SIGNATURE", "X-Secsecret",
	} {
		require.True(t, secretHeader(name), name)
	}
	for _, name := range []string{"", "Content-Type", "Date", "Digest", "Etag", "Traceparent", "Webhook-Id", "X-Toke", "Accept"} {
		require.False(t, secretHeader(name), name)
	}
}

// BenchmarkVeil is what is done so that a usual answer tells no secret.
func BenchmarkVeil(b *testing.B) {
	m := newMask([]string{signature.NewSecret()}, "")
	sent := []hook.Header{
		{Name: "User-Agent", Value: "Staffetta/dev"},
		{Name: "Traceparent", Value: "00-c8d838d728ada12f80d5dd8d6b7f3b61-2340e0e6968e54d6-00"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Webhook-Id", Value: "dlv_7cju1m86nufm5t4aiq84be4t3s"},
		{Name: "Webhook-Signature", Value: "v1,KbNsJ4hpTFuRZk1auOwTZsSCyG5LkhnWGlZO0GxjK7E="},
		{Name: "Webhook-Timestamp", Value: "1795397348"},
	}
	said := []hook.Header{
		{Name: "Content-Length", Value: "2"}, {Name: "Content-Type", Value: "text/plain; charset=utf-8"},
		{Name: "Date", Value: "Mon, 23 Nov 2026 03:33:51 GMT"},
	}
	v := new(veil)
	b.ReportAllocs()
	for b.Loop() {
		v.cover(m, sent)
		_, _ = v.headers(said), v.body([]byte("ok"), false)
	}
}
