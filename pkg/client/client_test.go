package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/client"
)

// server answers all requests with a status and a body, and notes the last one.
func server(t *testing.T, status int, body string) (base string, last *http.Request) {
	t.Helper()
	last = &http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = *r
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, last
}

func TestRequestsSayWhoSendsThem(t *testing.T) {
	t.Parallel()
	base, last := server(t, 200, `{"items": [], "next": null}`)
	for cfg, want := range map[client.Config][3]string{
		{Key: "k"}: {"Bearer k", "", "staffetta-go"},
		{Key: "admin", Account: "acme", UserAgent: "u"}: {"Bearer admin", "acme", "u"},
	} {
		c, err := client.New(base, cfg)
		require.NoError(t, err)
		limit := int64(7)
		answer, err := c.ListWebhooksWithResponse(t.Context(), &client.ListWebhooksParams{Limit: &limit})
		require.NoError(t, err)
		require.NoError(t, client.Refused(answer))
		require.NotNil(t, answer.JSON200)
		require.Equal(t, want, [3]string{last.Header.Get("Authorization"), last.Header.Get("Staffetta-Account"), last.Header.Get("User-Agent")})
		require.Equal(t, "/v1/webhooks?limit=7", last.URL.String())
	}
}

func TestARefusalIsAProblem(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "url is required", "errors": [{"field": "url", "rule": "is required"}]}`: "422 Unprocessable Entity: url is required",
		`<html>`: "422 Unprocessable Entity",
		``:       "422 Unprocessable Entity",
	} {
		base, _ := server(t, 422, body)
		c, err := client.New(base, client.Config{})
		require.NoError(t, err)
		answer, err := c.GetWebhookWithResponse(t.Context(), "wh_1")
		require.NoError(t, err)
		var problem *client.Problem
		require.ErrorAs(t, client.Refused(answer), &problem)
		require.EqualError(t, problem, want)
		if body != "" && body[0] == '{' {
			require.Equal(t, []client.Fault{{Field: "url", Rule: "is required"}}, *problem.Errors)
		}
	}
}

func TestABadBaseURLIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "example.com", "ftp://example.com", "http://", ":"} {
		_, err := client.New(base, client.Config{})
		require.ErrorContains(t, err, "base URL must be", base)
	}
}
