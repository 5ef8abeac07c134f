package hook_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestEverythingThatIsSealedIsSealedForItsOwnPlace(t *testing.T) {
	t.Parallel()
	w := hook.Webhook{
		ID: "wh_1", Secrets: [][]byte{{1}, {2}},
		Headers: []hook.SealedHeader{{Name: "X-A", Value: []byte{3}}, {Name: "X-B", Value: []byte{4}}},
		Auth:    &hook.Auth{Type: hook.AuthOAuth2, TokenURL: "https://example.com/token", Secret: []byte{5}},
	}
	seen := map[string][]byte{}
	require.NoError(t, w.EachSealed(func(sealed *[]byte, context []byte) error {
		seen[string(context)] = append(seen[string(context)], (*sealed)...)
		*sealed = []byte{9}
		return nil
	}))
	require.Equal(t, map[string][]byte{
		"wh_1": {1, 2}, "wh_1/headers/X-A": {3}, "wh_1/headers/X-B": {4}, "wh_1/auth/oauth2/https://example.com/token": {5},
	}, seen)
	require.Equal(t, [][]byte{{9}, {9}}, w.Secrets)
	require.Equal(t, []byte{9}, w.Headers[1].Value)
	require.Equal(t, []byte{9}, w.Auth.Secret)

	own, calls := errors.New("own"), 0
	require.ErrorIs(t, w.EachSealed(func(*[]byte, []byte) error { calls++; return own }), own)
	require.Equal(t, 1, calls)
	require.NoError(t, new(hook.Webhook).EachSealed(func(*[]byte, []byte) error { return own }), "nothing is sealed")
}
