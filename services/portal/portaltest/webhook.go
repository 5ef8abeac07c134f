package portaltest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Webhook makes one of an account by the API, which gets every change; it returns its id.
func (i *Installation) Webhook(account, description string) string {
	i.t.Helper()
	body, err := json.Marshal(map[string]any{
		"description": description, "itemTypes": []string{hook.AnyItemType}, "url": "https://hooks.example.com/in?key=hidden",
	})
	require.NoError(i.t, err)
	r := httptest.NewRequestWithContext(
		apiauth.WithPrincipal(i.t.Context(), apiauth.Principal{Account: account, Scopes: hook.RoleOwner.Scopes()}),
		http.MethodPost, "/v1/webhooks", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	i.API.Handler().ServeHTTP(answer, r)
	require.Equal(i.t, http.StatusCreated, answer.Code, answer.Body.String())
	var made struct{ ID string }
	require.NoError(i.t, json.Unmarshal(answer.Body.Bytes(), &made))
	return made.ID
}
