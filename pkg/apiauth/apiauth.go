// Package apiauth tells who sends a request to the REST interfaces, and
// whether they may: it verifies API keys, the admin key and the tokens of portal
// links.
package apiauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// AccountHeader names the account that the admin key acts for.
const AccountHeader = "Staffetta-Account"

// Why a request is refused; told by errors.Is. Respond knows the answers.
var (
	// ErrUnauthorized says that there is no key, or no valid one: 401.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrLinkExpired says, beside ErrUnauthorized, that a portal link was valid once.
	ErrLinkExpired = errors.New("the portal link has expired")
	// ErrKeyExpired says, beside ErrUnauthorized, that a key was valid once.
	ErrKeyExpired = errors.New("the key has expired")
	// ErrAdminKey says, beside ErrForbidden, that it is the admin key, which is of no
	// account.
	ErrAdminKey = errors.New("the admin key is of no account")
	// ErrForbidden says that the key may not do this: 403.
	ErrForbidden = errors.New("forbidden")
	// ErrNoAccount says that the admin key came without AccountHeader to a
	// path that needs an account: 400.
	ErrNoAccount = errors.New("no account")
)

// Principal is who sends a request.
type Principal struct {
	// Account that the request acts for; empty for the admin key without
	// AccountHeader.
	Account string
	// Admin is true for the admin key.
	Admin bool
	// Scopes of the key; the admin key has all.
	Scopes []hook.Scope
	// Actor is what the audit log says.
	Actor hook.Actor
	// Link is the portal link that the request came by; nil for a key.
	Link *Link
}

// May reports whether the principal has the scope.
func (p Principal) May(scope hook.Scope) bool { return slices.Contains(p.Scopes, scope) }

// Keys finds an API key. ErrNotFound if there is none, or it was revoked.
type Keys interface {
	KeyByHash(ctx context.Context, hash [32]byte) (hook.Key, error)
}

// Accounts finds an account. ErrNotFound if there is none, or it was deleted.
type Accounts interface {
	Account(ctx context.Context, id string) (hook.Account, error)
}

// Config of a Verifier.
type Config struct {
	Keys Keys
	// Accounts is where an account is looked up that the admin key acts for, or that
	// a portal link is of; nil: the name of the first is taken as it is, and no link
	// is valid.
	Accounts Accounts
	// AdminKey is the key of the operator; empty: there is none.
	AdminKey string
	// Links verifies tokens of portal links; the zero Links: none is valid.
	Links Links
	// Uses learns which keys are used; nil: nobody wants to know.
	Uses *Uses
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Verifier verifies keys. It is safe for concurrent use.
type Verifier struct {
	keys     Keys
	accounts Accounts
	admin    *[32]byte
	links    Links
	uses     *Uses
	now      func() time.Time
	found    *cache[[32]byte, hook.Key]
	existing *cache[string, struct{}]
}

// New makes a Verifier.
func New(cfg Config) *Verifier {
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	v := &Verifier{
		keys: cfg.Keys, accounts: cfg.Accounts, links: cfg.Links, uses: cfg.Uses, now: now,
		found:    newCache[[32]byte, hook.Key](now),
		existing: newCache[string, struct{}](now),
	}
	if cfg.AdminKey != "" {
		hash := sha256.Sum256([]byte(cfg.AdminKey))
		v.admin = &hash
	}
	return v
}

type principalKey struct{}

// WithPrincipal says who makes the requests of a context, for a part of this process
// that knows it another way, such as the portal by its sessions: a Verifier believes it,
// and looks at no key.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Identify tells who sends the request, whatever their scopes. The account is
// empty for the admin key without AccountHeader. The errors are
// ErrUnauthorized; ErrForbidden if AccountHeader names an account that is not
// the key's; hook.ErrNotFound if the admin key names one that is not there; or
// those of the stores.
func (v *Verifier) Identify(r *http.Request) (Principal, error) {
	if p, ok := r.Context().Value(principalKey{}).(Principal); ok {
		return p, nil
	}
	token, err := bearer(r)
	if err != nil {
		return Principal{}, err
	}
	hash := sha256.Sum256([]byte(token))
	named := r.Header.Get(AccountHeader)
	if v.isAdmin(hash) {
		return v.operator(r.Context(), named)
	}
	p, err := v.tenant(r.Context(), token, hash)
	if err != nil {
		return Principal{}, err
	}
	if named != "" && named != p.Account {
		return Principal{}, fmt.Errorf("%w: the key does not belong to the account in %s", ErrForbidden, AccountHeader)
	}
	return p, nil
}

// isAdmin compares hashes, so that neither the time nor a length gives the admin key away.
func (v *Verifier) isAdmin(hash [32]byte) bool {
	return v.admin != nil && subtle.ConstantTimeCompare(hash[:], v.admin[:]) == 1
}

// Permit tells who sends the request and requires that they have the scope; the
// admin key may act for no account. The errors are those of Identify and ErrForbidden.
func (v *Verifier) Permit(r *http.Request, scope hook.Scope) (Principal, error) {
	p, err := v.Identify(r)
	if err != nil {
		return Principal{}, err
	}
	if !p.May(scope) {
		return Principal{}, fmt.Errorf("%w: the key lacks the scope %s", ErrForbidden, scope)
	}
	return p, nil
}

// Authorize tells who sends the request and requires that they have the scope
// and act for an account. The errors are those of Permit and ErrNoAccount.
func (v *Verifier) Authorize(r *http.Request, scope hook.Scope) (Principal, error) {
	p, err := v.Permit(r, scope)
	if err != nil {
		return Principal{}, err
	}
	if p.Account == "" {
		return Principal{}, fmt.Errorf("%w: with the admin key the header %s must name the account", ErrNoAccount, AccountHeader)
	}
	return p, nil
}

// AuthorizeAdmin requires the admin key. The errors are those of Identify and
// ErrForbidden.
func (v *Verifier) AuthorizeAdmin(r *http.Request) (Principal, error) {
	p, err := v.Identify(r)
	if err != nil {
		return Principal{}, err
	}
	if !p.Admin {
		return Principal{}, fmt.Errorf("%w: only the admin key may do this", ErrForbidden)
	}
	return p, nil
}

func (v *Verifier) operator(ctx context.Context, account string) (Principal, error) {
	if !utf8.ValidString(account) { // PostgreSQL would refuse to look
		return Principal{}, fmt.Errorf("account in %s: %w", AccountHeader, hook.ErrNotFound)
	}
	if account != "" && v.accounts != nil {
		if err := v.exists(ctx, account); err != nil {
			return Principal{}, fmt.Errorf("account in %s: %w", AccountHeader, err)
		}
	}
	return Principal{Account: account, Admin: true, Scopes: hook.Scopes, Actor: hook.Actor{Kind: hook.ActorAdmin}}, nil
}

// exists returns hook.ErrNotFound for an account that is not there (any more).
func (v *Verifier) exists(ctx context.Context, account string) error {
	if _, ok := v.existing.get(account); ok {
		return nil
	}
	if _, err := v.accounts.Account(ctx, account); err != nil {
		return err
	}
	v.existing.put(account, struct{}{})
	return nil
}

// tenant is who has a key of an account, or came by a link to it.
func (v *Verifier) tenant(ctx context.Context, token string, hash [32]byte) (Principal, error) {
	if strings.HasPrefix(token, linkPrefix) {
		return v.guest(ctx, token)
	}
	key, err := v.key(ctx, token, hash)
	if err != nil {
		return Principal{}, err
	}
	return holder(&key), nil
}

// Holder tells whose API key a text is. The errors are ErrUnauthorized; ErrForbidden and
// ErrAdminKey for the admin key; or those of the store.
func (v *Verifier) Holder(ctx context.Context, text string) (Principal, error) {
	hash := sha256.Sum256([]byte(text))
	if v.isAdmin(hash) {
		return Principal{}, fmt.Errorf("%w: %w", ErrForbidden, ErrAdminKey)
	}
	key, err := v.key(ctx, text, hash)
	if err != nil {
		return Principal{}, err
	}
	return holder(&key), nil
}

// holder is who has a key.
func holder(key *hook.Key) Principal {
	return Principal{Account: key.Account, Scopes: key.Scopes, Actor: hook.Actor{Kind: hook.ActorKey, ID: key.ID, Name: key.Name}}
}

// Guest tells who comes by the token of a portal link. The errors are
// ErrUnauthorized, or those of the stores.
func (v *Verifier) Guest(ctx context.Context, token string) (Principal, error) {
	if !strings.HasPrefix(token, linkPrefix) {
		return Principal{}, fmt.Errorf("%w: the portal link is not valid", ErrUnauthorized)
	}
	return v.guest(ctx, token)
}

// guest is who came by a portal link. The link is gone with its account.
func (v *Verifier) guest(ctx context.Context, token string) (Principal, error) {
	link, valid := v.links.read(token)
	if !valid || v.accounts == nil {
		return Principal{}, fmt.Errorf("%w: the portal link is not valid", ErrUnauthorized)
	}
	if !v.now().Before(link.ExpiresAt) {
		return Principal{}, fmt.Errorf("%w: %w", ErrUnauthorized, ErrLinkExpired)
	}
	err := v.exists(ctx, link.Account)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return Principal{}, fmt.Errorf("%w: the portal link is not valid", ErrUnauthorized)
	case err != nil:
		return Principal{}, fmt.Errorf("look up the account of a portal link: %w", err)
	}
	actor := hook.Actor{Kind: hook.ActorPortal, ID: link.ID}
	return Principal{Account: link.Account, Scopes: link.Role.Scopes(), Actor: actor, Link: &link}, nil
}

func (v *Verifier) key(ctx context.Context, token string, hash [32]byte) (hook.Key, error) {
	key, ok := v.found.get(hash)
	if !ok {
		if !strings.HasPrefix(token, keyPrefix) {
			return hook.Key{}, fmt.Errorf("%w: the key is not valid", ErrUnauthorized)
		}
		var err error
		key, err = v.keys.KeyByHash(ctx, hash)
		switch {
		case errors.Is(err, hook.ErrNotFound):
			return hook.Key{}, fmt.Errorf("%w: the key is not valid", ErrUnauthorized)
		case err != nil:
			return hook.Key{}, fmt.Errorf("look up API key: %w", err)
		}
		v.found.put(hash, key)
	}
	if !key.ExpiresAt.IsZero() && !v.now().Before(key.ExpiresAt) {
		return hook.Key{}, fmt.Errorf("%w: %w", ErrUnauthorized, ErrKeyExpired)
	}
	if !ok { // the key as it was just read says whether its use is known
		v.uses.note(&key, v.now())
	}
	return key, nil
}

// bearer takes the token out of the header Authorization.
func bearer(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", fmt.Errorf("%w: send the header Authorization: Bearer KEY", ErrUnauthorized)
	}
	scheme, token, ok := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", fmt.Errorf("%w: the header Authorization must have the form: Bearer KEY", ErrUnauthorized)
	}
	return token, nil
}
