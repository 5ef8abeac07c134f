package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// key makes an API key of acme; a ttl of 0 does not expire.
func (b *bench) key(id string, ttl time.Duration, scopes ...hook.Scope) string {
	b.t.Helper()
	text, hash := apiauth.NewKey()
	k := hook.Key{ID: id, Account: "acme", Name: "Till <3>", Scopes: scopes, Hash: hash, CreatedAt: b.clock.Now()}
	if ttl > 0 {
		k.ExpiresAt = b.clock.Now().Add(ttl)
	}
	require.NoError(b.t, b.store.CreateKey(b.t.Context(), k))
	return text
}

// enter sends the form of the first page.
func (b *bench) enter(on browser, key string, headers ...string) answer {
	b.t.Helper()
	return on.post(b.url+"/portal/key", url.Values{"key": {key}}, headers...)
}

func TestAnAPIKeyOpensASessionThatActsAsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := b.key("key_1", 0, hook.ScopeRead, hook.ScopeWrite)
	on := b.browser()
	first := on.get(b.url + "/portal/").body
	require.Contains(t, first, `type="password" name="key"`)
	require.Contains(t, first, `autocomplete="off"`)
	in := b.enter(on, " "+text+"\n")
	require.Equal(t, b.url+"/portal/webhooks", in.url.String())
	require.Contains(t, in.body, "API key: Till &lt;3&gt;")
	require.NotContains(t, in.body, "/portal/settings", "the key has no access to settings")
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, apiauth.Principal{
		Account: "acme", Scopes: []hook.Scope{hook.ScopeRead, hook.ScopeWrite}, Actor: hook.Actor{Kind: hook.ActorKey, ID: "key_1", Name: "Till <3>"},
	}, p)
	require.Equal(t, p.Actor, b.audit("acme", "sign-in")[0].Origin.Actor)
	require.NotEmpty(t, b.audit("acme", "sign-in")[0].Origin.IP)

	for accept, want := range map[string]string{"en": "You see and may do what your API key may.", "it": "Vedi e puoi fare ciò che può la tua chiave API."} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/portal/session", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Accept-Language", accept)
		session := on.send(r)
		require.Equal(t, http.StatusOK, session.status)
		require.Contains(t, session.body, want)
		require.Contains(t, session.body, "Till &lt;3&gt;")
	}
	require.Equal(t, http.StatusOK, on.post(b.url+"/portal/logout", nil).status)
	b.isOut(on)
	require.Equal(t, p.Actor, b.audit("acme", "sign-out")[0].Origin.Actor)
}

func TestTheSessionOfAKeyEndsWhenTheKeyIsRevokedOrExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	revoked, expiring := b.browser(), b.browser()
	b.enter(revoked, b.key("key_1", 0, hook.ScopeRead))
	text := b.key("key_2", time.Minute, hook.ScopeRead)
	b.enter(expiring, text)
	for _, on := range []browser{revoked, expiring} {
		_, err := b.principal(on)
		require.NoError(t, err)
	}
	require.NoError(t, b.store.RevokeKey(t.Context(), "acme", "key_1"))
	b.isOut(revoked)
	b.clock.pass(time.Minute)
	b.isOut(expiring)
	require.Contains(t, b.enter(expiring, text).body, "This API key has expired")
}

func TestWhatIsNoKeyOfAnAccountOpensNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.key("key_1", 0, hook.ScopeRead)
	_, link := b.link("acme", time.Hour)
	for text, want := range map[string]string{
		"": "no valid API key", "sk_" + strings.Repeat("A", 43): "no valid API key", good + "x": "no valid API key", link: "no valid API key",
		strings.Repeat("k", 10_000): "no valid API key", "\xff\x00": "no valid API key",
		portaltest.AdminKey: "the admin key of the installation", b.key("key_2", 0, hook.ScopePublish): "may not read",
	} {
		on := b.browser()
		refused := b.enter(on, text)
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, want)
		require.Empty(t, refused.header.Values("Set-Cookie"))
		b.isOut(on)
	}
	require.Equal(t, http.StatusForbidden, b.enter(b.browser(), good, "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, "/portal/", b.browser().get(b.url+"/portal/key?key="+good).url.RequestURI(), "a URL opens nothing")
	require.Empty(t, b.audit("acme", "sign-in"))
}

// The rest of a network waits with those who guess, as the address is all that is known.
func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.key("key_1", 0, hook.ScopeRead)
	on := b.browser()
	for range 20 {
		require.Equal(t, http.StatusUnprocessableEntity, b.enter(on, "sk_guess").status)
	}
	refused := b.enter(on, good)
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.Equal(t, "60", refused.header.Get("Retry-After"))
	require.Contains(t, refused.body, "Try again in a minute")
	b.clock.pass(time.Minute)
	require.Equal(t, http.StatusOK, b.enter(on, good).status)
}

func TestAnAPIKeyIsNowhereButInTheForm(t *testing.T) {
	t.Parallel()
	core, logged := observer.New(zapcore.DebugLevel)
	b := newBench(t, func(cfg *portal.Config) { cfg.Log = zap.New(core) })
	good, wrong := b.key("key_1", 0, hook.ScopeRead, hook.ScopeSettings), "sk_"+strings.Repeat("w", 43)
	on := b.browser()
	answers := []answer{b.enter(on, good), on.get(b.url + "/portal/session"), b.enter(on, wrong), b.enter(on, portaltest.AdminKey)}
	require.NoError(t, b.db.Close())
	down := b.enter(b.browser(), b.keyText())
	require.Equal(t, http.StatusServiceUnavailable, down.status)
	answers = append(answers, down, b.enter(on, good))
	require.NotEmpty(t, logged.All())
	for _, secret := range []string{good, wrong, portaltest.AdminKey} {
		for _, a := range answers {
			require.NotContains(t, a.url.String()+a.body+strings.Join(a.header.Values("Set-Cookie"), " "), secret)
		}
		for _, entry := range logged.All() {
			line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}).EncodeEntry(entry.Entry, entry.Context)
			require.NoError(t, err)
			require.NotContains(t, line.String(), secret)
		}
	}
}

// keyText is a text that has the form of a key.
func (b *bench) keyText() string {
	text, _ := apiauth.NewKey()
	return text
}
