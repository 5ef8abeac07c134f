package apiauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

func linkKey(n byte) apiauth.LinkKey {
	return apiauth.LinkKey{ID: [4]byte{n}, Key: [32]byte{n}}
}

// linked is a verifier that knows links of these keys, and of account acme.
func linked(d *directory, c *clock, keys ...apiauth.LinkKey) *apiauth.Verifier {
	return apiauth.New(apiauth.Config{Keys: d, Accounts: d, AdminKey: admin, Links: apiauth.NewLinks(keys...), Now: c.now})
}

func link(t *testing.T, c *clock, account string, role hook.Role) (apiauth.Link, string) {
	t.Helper()
	made, token, err := apiauth.NewLinks(linkKey(1)).New(apiauth.Link{
		Account: account, Role: role, Language: hook.Italian, ExpiresAt: c.now().Add(time.Minute),
	})
	require.NoError(t, err)
	require.Regexp(t, `^lnk_[0-9a-v]{16}$`, made.ID)
	require.Regexp(t, `^pl_[A-Za-z0-9_-]+$`, token)
	return made, token
}

func refused(t *testing.T, v *apiauth.Verifier, token string) {
	t.Helper()
	_, err := v.Identify(request("Authorization", "Bearer "+token))
	require.ErrorIs(t, err, apiauth.ErrUnauthorized)
	require.NotContains(t, err.Error(), token)
}

func TestAPortalLinkMayWhatItsRoleMay(t *testing.T) {
	t.Parallel()
	var d directory
	var c clock
	v := linked(&d, &c, linkKey(1))
	for role, scopes := range map[hook.Role][]hook.Scope{
		hook.RoleViewer:   {hook.ScopeRead},
		hook.RoleSettings: {hook.ScopeRead, hook.ScopeWrite, hook.ScopeSettings},
		hook.RoleOwner:    {hook.ScopeRead, hook.ScopeWrite, hook.ScopePublish, hook.ScopeSettings},
	} {
		made, token := link(t, &c, "acme", role)
		p, err := v.Authorize(request("Authorization", "Bearer "+token, "Staffetta-Account", "acme"), hook.ScopeRead)
		require.NoError(t, err)
		require.Equal(t, apiauth.Principal{
			Account: "acme", Scopes: scopes, Actor: hook.Actor{Kind: hook.ActorPortal, ID: made.ID}, Link: &made,
		}, p)
		_, err = v.AuthorizeAdmin(request("Authorization", "Bearer "+token))
		require.ErrorIs(t, err, apiauth.ErrForbidden)
		_, err = v.Identify(request("Authorization", "Bearer "+token, "Staffetta-Account", "other"))
		require.ErrorIs(t, err, apiauth.ErrForbidden)
	}
	require.Zero(t, d.lookups.Load(), "no key is looked up")
}

func TestAPortalLinkExpires(t *testing.T) {
	t.Parallel()
	var c clock
	v := linked(&directory{}, &c, linkKey(1))
	_, token := link(t, &c, "acme", hook.RoleViewer)
	c.pass(time.Minute - time.Nanosecond)
	_, err := v.Identify(request("Authorization", "Bearer "+token))
	require.NoError(t, err)
	p, err := v.Guest(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "acme", p.Account)
	c.pass(time.Nanosecond)
	refused(t, v, token)
	_, err = v.Guest(t.Context(), token)
	require.ErrorIs(t, err, apiauth.ErrUnauthorized)
	require.ErrorIs(t, err, apiauth.ErrLinkExpired)
	_, err = v.Guest(t.Context(), admin)
	require.ErrorIs(t, err, apiauth.ErrUnauthorized)
	require.NotErrorIs(t, err, apiauth.ErrLinkExpired)
}

// Every character of a token matters, and so does every key.
func TestAPortalLinkThatWasTamperedWithIsRefused(t *testing.T) {
	t.Parallel()
	var c clock
	v := linked(&directory{}, &c, linkKey(1))
	_, token := link(t, &c, "acme", hook.RoleViewer)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for at := len("pl_"); at < len(token); at++ {
		next := alphabet[(strings.IndexByte(alphabet, token[at])+1)%len(alphabet)]
		refused(t, v, token[:at]+string(next)+token[at+1:])
	}
	for _, other := range []string{token[:len(token)-1], token + "A", "pl_", "pl_" + strings.Repeat("A", 100), "pl_" + strings.Repeat("A", 10_000), strings.TrimPrefix(token, "pl_"), "pl_*"} {
		refused(t, v, other)
	}
	same := linkKey(2)
	same.ID = linkKey(1).ID
	refused(t, linked(&directory{}, &c, linkKey(2)), token)
	refused(t, linked(&directory{}, &c, same), token)
	refused(t, linked(&directory{}, &c), token)
	refused(t, verifier(&directory{}, &c), token)
}

func TestAKeyThatRotatesStillVerifies(t *testing.T) {
	t.Parallel()
	var c clock
	_, token := link(t, &c, "acme", hook.RoleViewer)
	_, err := linked(&directory{}, &c, linkKey(2), linkKey(1)).Identify(request("Authorization", "Bearer "+token))
	require.NoError(t, err)
}

func TestAPortalLinkEndsWithItsAccount(t *testing.T) {
	t.Parallel()
	var c clock
	_, token := link(t, &c, "gone", hook.RoleOwner)
	refused(t, linked(&directory{}, &c, linkKey(1)), token)

	_, token = link(t, &c, "acme", hook.RoleOwner)
	d := away{directory: &directory{}}
	v := apiauth.New(apiauth.Config{Keys: d, Accounts: d, Links: apiauth.NewLinks(linkKey(1)), Now: c.now})
	_, err := v.Identify(request("Authorization", "Bearer "+token))
	require.ErrorIs(t, err, errAway)
	w := httptest.NewRecorder()
	apiauth.Respond(w, err)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
}

var errAway = errors.New("the database is away")

type away struct{ *directory }

func (away) Account(context.Context, string) (hook.Account, error) { return hook.Account{}, errAway }
