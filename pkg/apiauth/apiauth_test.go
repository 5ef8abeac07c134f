package apiauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

const admin = "an-admin-key-of-thirty-two-chars-"

// directory is a store in memory: the real one is tested with package sqlstore.
type directory struct {
	keys    map[[32]byte]hook.Key
	lookups atomic.Int32
	down    error
	// written is how many uses of keys each write had.
	written []int
}

func (d *directory) KeyByHash(_ context.Context, hash [32]byte) (hook.Key, error) {
	d.lookups.Add(1)
	if d.down != nil {
		return hook.Key{}, d.down
	}
	k, ok := d.keys[hash]
	if !ok {
		return hook.Key{}, hook.ErrNotFound
	}
	return k, nil
}

func (d *directory) Account(_ context.Context, id string) (hook.Account, error) {
	if id != "acme" {
		return hook.Account{}, hook.ErrNotFound
	}
	return hook.Account{ID: id}, nil
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

func (d *directory) add(scopes ...hook.Scope) string {
	text, hash := apiauth.NewKey()
	if d.keys == nil {
		d.keys = map[[32]byte]hook.Key{}
	}
	d.keys[hash] = hook.Key{ID: "key_1", Name: "till", Account: "acme", Scopes: scopes, Hash: hash}
	return text
}

func verifier(d *directory, c *clock) *apiauth.Verifier {
	return apiauth.New(apiauth.Config{Keys: d, Accounts: d, AdminKey: admin, Now: c.now})
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/webhooks", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestNewKeysAreRandomAndRecognisable(t *testing.T) {
	t.Parallel()
	first, hash := apiauth.NewKey()
	second, other := apiauth.NewKey()
	require.Regexp(t, regexp.MustCompile(`^sk_[A-Za-z0-9_-]{43}$`), first)
	require.NotEqual(t, first, second)
	require.NotEqual(t, hash, other)
}

func TestWhoMay(t *testing.T) {
	t.Parallel()
	var d directory
	reader := d.add(hook.ScopeRead)
	till := hook.Actor{Kind: hook.ActorKey, ID: "key_1", Name: "till"}
	for _, test := range []struct {
		name    string
		headers []string
		scope   hook.Scope
		want    apiauth.Principal
		err     error
		status  int
	}{
		{"no header", nil, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
		{"another scheme", []string{"Authorization", "Basic " + reader}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
		{"no key", []string{"Authorization", "Bearer "}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
		{"a word that is no key", []string{"Authorization", "Bearer hunter2"}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
		{"an unknown key", []string{"Authorization", "Bearer sk_AAAA"}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
		{"a key with the scope", []string{"Authorization", "Bearer " + reader}, hook.ScopeRead,
			apiauth.Principal{Account: "acme", Scopes: []hook.Scope{hook.ScopeRead}, Actor: till}, nil, 0},
		{"a scheme in small letters", []string{"Authorization", "bearer " + reader}, hook.ScopeRead,
			apiauth.Principal{Account: "acme", Scopes: []hook.Scope{hook.ScopeRead}, Actor: till}, nil, 0},
		{"a key without the scope", []string{"Authorization", "Bearer " + reader}, hook.ScopeWrite, apiauth.Principal{}, apiauth.ErrForbidden, 403},
		{"a key that names its account", []string{"Authorization", "Bearer " + reader, "Staffetta-Account", "acme"}, hook.ScopeRead,
			apiauth.Principal{Account: "acme", Scopes: []hook.Scope{hook.ScopeRead}, Actor: till}, nil, 0},
		{"a key that names another account", []string{"Authorization", "Bearer " + reader, "Staffetta-Account", "other"}, hook.ScopeRead,
			apiauth.Principal{}, apiauth.ErrForbidden, 403},
		{"the admin key for an account", []string{"Authorization", "Bearer " + admin, "Staffetta-Account", "acme"}, hook.ScopeSettings,
			apiauth.Principal{Account: "acme", Admin: true, Scopes: hook.Scopes, Actor: hook.Actor{Kind: hook.ActorAdmin}}, nil, 0},
		{"the admin key without an account", []string{"Authorization", "Bearer " + admin}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrNoAccount, 400},
		{"the admin key for an unknown account", []string{"Authorization", "Bearer " + admin, "Staffetta-Account", "nobody"}, hook.ScopeRead,
			apiauth.Principal{}, hook.ErrNotFound, 404},
		{"the admin key for an account that is no text", []string{"Authorization", "Bearer " + admin, "Staffetta-Account", "\xff"}, hook.ScopeRead,
			apiauth.Principal{}, hook.ErrNotFound, 404},
		{"part of the admin key", []string{"Authorization", "Bearer " + admin[:20]}, hook.ScopeRead, apiauth.Principal{}, apiauth.ErrUnauthorized, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := verifier(&d, &clock{}).Authorize(request(test.headers...), test.scope)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.want, got)
			if err == nil {
				return
			}
			w := httptest.NewRecorder()
			apiauth.Respond(w, err)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.status == 401 || test.status == 403, w.Header().Get("WWW-Authenticate") != "")
			require.NotContains(t, w.Body.String(), reader)
			require.NotContains(t, w.Body.String(), admin)
		})
	}
}

func TestOnlyTheAdminKeyIsAdmin(t *testing.T) {
	t.Parallel()
	var d directory
	v := verifier(&d, &clock{})
	p, err := v.AuthorizeAdmin(request("Authorization", "Bearer "+admin))
	require.NoError(t, err)
	require.True(t, p.Admin)
	_, err = v.AuthorizeAdmin(request("Authorization", "Bearer "+d.add(hook.Scopes...)))
	require.ErrorIs(t, err, apiauth.ErrForbidden)
}

func TestWithoutAnAdminKeyNobodyIsAdmin(t *testing.T) {
	t.Parallel()
	v := apiauth.New(apiauth.Config{Keys: &directory{}, Accounts: &directory{}})
	_, err := v.AuthorizeAdmin(request("Authorization", "Bearer "))
	require.ErrorIs(t, err, apiauth.ErrUnauthorized)
}

func TestARevokedKeyWorksForAtMostASecond(t *testing.T) {
	t.Parallel()
	var d directory
	var c clock
	text := d.add(hook.ScopeRead)
	v := verifier(&d, &c)
	authorize := func() error {
		_, err := v.Authorize(request("Authorization", "Bearer "+text), hook.ScopeRead)
		return err
	}
	require.NoError(t, authorize())
	require.NoError(t, authorize())
	require.EqualValues(t, 1, d.lookups.Load(), "the second look-up comes from the cache")

	clear(d.keys)
	c.pass(time.Second)
	require.ErrorIs(t, authorize(), apiauth.ErrUnauthorized)
}

func TestAKeyExpires(t *testing.T) {
	t.Parallel()
	var d directory
	var c clock
	text := d.add(hook.ScopeRead)
	for hash, k := range d.keys {
		k.ExpiresAt = c.now().Add(500 * time.Millisecond)
		d.keys[hash] = k
	}
	v := verifier(&d, &c)
	_, err := v.Authorize(request("Authorization", "Bearer "+text), hook.ScopeRead)
	require.NoError(t, err)
	c.pass(500 * time.Millisecond)
	_, err = v.Authorize(request("Authorization", "Bearer "+text), hook.ScopeRead)
	require.ErrorIs(t, err, apiauth.ErrUnauthorized, "although it is in the cache")
}

func TestAStoreThatIsDownIsNotARefusal(t *testing.T) {
	t.Parallel()
	d := directory{down: errors.New("dial 10.0.0.7:5432: refused")}
	_, err := verifier(&d, &clock{}).Authorize(request("Authorization", "Bearer sk_AAAA"), hook.ScopeRead)
	require.ErrorIs(t, err, d.down)

	w := httptest.NewRecorder()
	apiauth.Respond(w, err)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "10.0.0.7")
}

func TestTheHolderOfAKeyIsItsAccount(t *testing.T) {
	t.Parallel()
	d, c := &directory{}, &clock{}
	c.pass(time.Hour)
	text := d.add(hook.ScopeRead)
	v := verifier(d, c)
	got, err := v.Holder(t.Context(), text)
	require.NoError(t, err)
	require.Equal(t, apiauth.Principal{
		Account: "acme", Scopes: []hook.Scope{hook.ScopeRead}, Actor: hook.Actor{Kind: hook.ActorKey, ID: "key_1", Name: "till"},
	}, got)
	for _, none := range []string{"", "sk_none", text + "x", "pl_link"} {
		_, err = v.Holder(t.Context(), none)
		require.ErrorIs(t, err, apiauth.ErrUnauthorized, none)
		require.NotErrorIs(t, err, apiauth.ErrKeyExpired, none)
	}
	_, err = v.Holder(t.Context(), admin)
	require.ErrorIs(t, err, apiauth.ErrAdminKey)
	require.ErrorIs(t, err, apiauth.ErrForbidden)
	for hash, k := range d.keys {
		k.ExpiresAt = c.now().Add(time.Minute)
		d.keys[hash] = k
	}
	c.pass(time.Minute)
	_, err = v.Holder(t.Context(), text)
	require.ErrorIs(t, err, apiauth.ErrUnauthorized)
	require.ErrorIs(t, err, apiauth.ErrKeyExpired)
}
