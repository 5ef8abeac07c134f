package portal_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// link makes a portal link to an account.
func (b *bench) link(account string, ttl time.Duration) (apiauth.Link, string) {
	b.t.Helper()
	link, token, err := b.links.New(apiauth.Link{
		Account: account, Role: hook.RoleViewer, Language: hook.Italian, ExpiresAt: b.clock.Now().Add(ttl),
	})
	require.NoError(b.t, err)
	return link, token
}

func TestAPortalLinkOpensASession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, token := b.link("acme", time.Hour)
	on := b.browser()
	in := on.get(b.url + "/portal/?token=" + token)
	require.Equal(t, b.url+"/portal/webhooks", in.url.String(), "the token is in no URL")
	require.Contains(t, in.body, "The acme")
	require.Contains(t, in.body, `<html lang="it">`)
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, apiauth.Principal{
		Account: "acme", Scopes: hook.RoleViewer.Scopes(), Actor: hook.Actor{Kind: hook.ActorPortal, ID: link.ID}, Link: &link,
	}, p)
	require.Equal(t, p.Actor, b.audit("acme", "open-portal-link")[0].Origin.Actor)

	_, again := b.link("acme", time.Hour)
	on.get(b.url + "/portal/?token=" + again)
	require.Len(t, b.audit("acme", "sign-out"), 1, "one session a browser")
	b.clock.pass(time.Hour)
	b.isOut(on)
}

// What only looks at a URL, as chats and scanners of mail do, uses nothing up.
func TestALookAtAURLDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	_, token := b.link("acme", time.Hour)
	on := b.browser()
	back := b.comeBack(on, "giulia")
	for _, to := range []string{b.url + "/portal/?token=" + token, b.url + "/portal/login", back} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, to, http.NoBody)
		require.NoError(t, err)
		looked := on.stays().send(r)
		require.Equal(t, "/portal/", looked.header.Get("Location"))
		require.Empty(t, looked.header.Values("Set-Cookie"))
	}
	require.Empty(t, b.audit("acme", "open-portal-link"))
	require.Equal(t, http.StatusOK, on.get(back).status)
}

func TestALinkThatIsNotValidOpensNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, expired := b.link("acme", time.Minute)
	b.clock.pass(time.Minute)
	_, good := b.link("acme", time.Hour)
	_, gone := b.link("nobody", time.Hour)
	for token, want := range map[string]string{
		expired: "This link has expired", good[:len(good)-1] + "*": "This link is not valid", good + "A": "This link is not valid",
		gone: "This link is not valid", "": "This link is not valid", "sk_key": "This link is not valid",
	} {
		on := b.browser()
		refused := on.get(b.url + "/portal/?token=" + url.QueryEscape(token))
		require.Equal(t, http.StatusUnauthorized, refused.status, token)
		require.Contains(t, refused.body, want, token)
		b.isOut(on)
	}
	on := b.browser()
	on.get(b.url + "/portal/?token=" + good)
	_, err := b.principal(on)
	require.NoError(t, err)
	require.NoError(t, b.store.DeleteAccount(t.Context(), "acme"))
	b.isOut(on)
}
