package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// maxKeyName bounds the name of a key, in characters.
const maxKeyName = 100

// Key is a key as the API shows it.
type Key struct {
	ID        string     `json:"id" example:"key_06h0c5an8mdnb8p8pe6u2vt3dk"`
	Name      string     `json:"name" example:"shop"`
	Scopes    []string   `json:"scopes" nullable:"false" enum:"read,write,publish,settings"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt" doc:"null: it does not expire."`
	LastUsed  *time.Time `json:"lastUsedAt" doc:"To the minute; null: never."`
	Key       string     `json:"key,omitempty" doc:"The key itself, shown this once."`
}

// NewKey is the body that makes a key.
type NewKey struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100"`
	Scopes    []string   `json:"scopes" nullable:"false" minItems:"1" maxItems:"4" enum:"read,write,publish,settings" doc:"At most those of the key that makes it."`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" nullable:"true" doc:"In the future; null or absent: it does not expire."`
}

type keyAnswer struct {
	Body Key
}

func showKey(k hook.Key) Key {
	return Key{
		ID: k.ID, Name: k.Name, Scopes: words(k.Scopes), CreatedAt: k.CreatedAt.UTC(),
		ExpiresAt: timeOrNull(k.ExpiresAt), LastUsed: timeOrNull(k.LastUsedAt),
	}
}

// words are values of a closed set as plain strings.
func words[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

func (s *Service) keyRoutes() {
	tags := []string{"api-keys"}
	settings := access{scope: hook.ScopeSettings}
	handle(s, huma.Operation{
		OperationID: "list-api-keys", Method: http.MethodGet, Path: "/v1/api-keys", Tags: tags,
		Summary: "List API keys", Description: "Newest first. Scope: settings.",
	}, settings, nil, s.listKeys)
	handle(s, huma.Operation{
		OperationID: "create-api-key", Method: http.MethodPost, Path: "/v1/api-keys", Tags: tags,
		Summary: "Create an API key", Description: "The answer shows the key, this once. Scope: settings.",
		DefaultStatus: http.StatusCreated,
	}, settings, NewKey{}, s.createKey)
	handle(s, huma.Operation{
		OperationID: "revoke-api-key", Method: http.MethodDelete, Path: "/v1/api-keys/{id}", Tags: tags,
		Summary: "Revoke an API key", Description: "It is refused within a second. Scope: settings.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, settings, nil, s.revokeKey)
}

func (s *Service) listKeys(ctx context.Context, in *struct{ PageQuery }) (*listed[Key], error) {
	rows, next, err := s.cfg.Store.Keys(ctx, principal(ctx).Account, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showKey), nil
}

func (s *Service) createKey(ctx context.Context, in *JSONBody) (*keyAnswer, error) {
	now := s.now()
	key, err := readNewKey(in.RawBody, now)
	if err != nil {
		return nil, err
	}
	maker := principal(ctx)
	for _, scope := range key.Scopes {
		if !maker.May(scope) {
			return nil, problem.New(http.StatusForbidden, "", "a key makes keys of at most its own scopes, and it lacks "+string(scope), nil)
		}
	}
	text, hash := apiauth.NewKey()
	key.ID, key.Account, key.Hash, key.CreatedAt = newID("key_", now), maker.Account, hash, now
	if err := s.cfg.Store.CreateKey(ctx, key); err != nil {
		return nil, err
	}
	answer := &keyAnswer{Body: showKey(key)}
	answer.Body.Key = text
	return answer, nil
}

func readNewKey(body []byte, now time.Time) (hook.Key, error) {
	d, err := readDocument(body)
	if err != nil {
		return hook.Key{}, err
	}
	var key hook.Key
	d.require("name")
	key.Name, _ = d.text("name", 1, maxKeyName)
	d.require("scopes")
	scopes, _ := d.texts("scopes", 1, len(hook.Scopes), func(text string) (string, string) {
		if !slices.Contains(hook.Scopes, hook.Scope(text)) {
			return "", "must be " + oneOf(hook.Scopes)
		}
		return text, ""
	})
	for _, scope := range scopes {
		key.Scopes = append(key.Scopes, hook.Scope(scope))
	}
	if d.null("expiresAt") {
		return key, d.end("id", "createdAt", "lastUsedAt", "key")
	}
	const rule = "must be a time in the future as in RFC 3339, such as 2030-01-31T12:00:00Z"
	expires, given := read[time.Time](d, "expiresAt", rule)
	if given && !expires.After(now) {
		d.fault("expiresAt", expires.Format(time.RFC3339), rule)
	}
	key.ExpiresAt = expires
	return key, d.end("id", "createdAt", "lastUsedAt", "key")
}

func (s *Service) revokeKey(ctx context.Context, in *PathID) (*empty, error) {
	return nil, s.cfg.Store.RevokeKey(ctx, principal(ctx).Account, in.ID)
}
