package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// The whole way of what is secret: sealed by the api, in SQL and in Redis, opened by the
// sender; and sealed anew beside all of them.
func authenticates(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	var fetched atomic.Int32
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetched.Add(1)
		if id, secret, _ := r.BasicAuth(); id != "client" || secret != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "t0ken", "expires_in": 3600}`))
	}))
	t.Cleanup(issuer.Close)
	_, secret := a.webhook(t, object{
		"itemTypes": []string{"*"}, "url": r.URL, "headers": object{"X-Api-Key": "k-1234"},
		"auth": object{"type": "oauth2", "tokenUrl": issuer.URL, "clientId": "client", "clientSecret": "hunter2"},
	})
	in.awaitLive(t)
	requireAll := func(count int) {
		a.ingest(t, "create", "Contact", object{"id": count})
		request := r.await(t, count)[count-1]
		requireSigned(t, request, secret)
		require.Equal(t, "k-1234", request.header.Get("X-Api-Key"))
		require.Equal(t, "Bearer t0ken", request.header.Get("Authorization"))
	}
	requireAll(1)

	said := in.runWith(t, []string{"STAFFETTA_ENCRYPTION_KEY=" + in.keys[1] + "," + in.keys[0]}, "rekey")
	require.Regexp(t, `^sealed anew with key [0-9a-f]{8}: \d+ secrets of \d+ webhooks`, said)
	in.awaitLive(t)
	requireAll(2)
	require.Equal(t, int32(1), fetched.Load(), "the token outlives the snapshot")
	for _, key := range in.keys {
		require.NotContains(t, said, key)
	}
}
