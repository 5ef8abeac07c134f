package rekey_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/services/rekey"
)

func newKey() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}

func ring(t *testing.T, keys ...string) seal.Keyring {
	t.Helper()
	r, err := seal.ParseKeys(strings.Join(keys, ","))
	require.NoError(t, err)
	return r
}

// installation is a database, a cache and keys.
type installation struct {
	*sqlstore.Store
	t     *testing.T
	redis *redisstore.Client
	cache *redisstore.Store
}

func newInstallation(t *testing.T, accounts ...string) *installation {
	t.Helper()
	db := sqlstoretest.SQLite(t)
	client, err := redisstore.Open("redis://" + miniredis.RunT(t).Addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	i := &installation{Store: sqlstore.New(db, nil), t: t, redis: client, cache: redisstore.NewStore(client, zap.NewNop())}
	for _, id := range accounts {
		_, err := i.CreateAccount(t.Context(), hook.Account{ID: id, Name: id})
		require.NoError(t, err)
	}
	require.NoError(t, i.cache.Refill(t.Context(), func(yield func([]hook.AccountState) error) error {
		states, err := i.States(t.Context(), "", 1000)
		return errors.Join(err, yield(states))
	}))
	return i
}

// webhook makes one with four secrets.
func (i *installation) webhook(account, id string, keys seal.Keyring) {
	i.t.Helper()
	w := hook.Webhook{
		ID: id, Account: account, Status: hook.Active, ItemTypes: []string{"*"}, EventTypes: hook.EventTypes, URL: "https://example.com",
		Secrets: [][]byte{[]byte("one"), []byte("two")}, SecretsUntil: []time.Time{time.Now().Add(time.Hour)},
		Headers: []hook.SealedHeader{{Name: "X-A", Value: []byte("three")}},
		Auth:    &hook.Auth{Type: hook.AuthBearer, Secret: []byte("four")},
	}
	require.NoError(i.t, w.EachSealed(func(sealed *[]byte, context []byte) (err error) {
		*sealed, err = keys.Seal(*sealed, context)
		return err
	}))
	_, err := i.CreateWebhook(context.WithoutCancel(i.t.Context()), w)
	require.NoError(i.t, err)
}

// opened are the secrets in the clear.
func opened(t *testing.T, w hook.Webhook, keys seal.Keyring) (all []string) {
	t.Helper()
	require.NoError(t, w.EachSealed(func(sealed *[]byte, context []byte) error {
		plain, err := keys.Open(*sealed, context)
		all = append(all, string(plain))
		return err
	}))
	return all
}

func (i *installation) run(keys seal.Keyring) (rekey.Report, string, error) {
	i.t.Helper()
	report, err := rekey.Run(i.t.Context(), rekey.Config{Store: i.Store, Cache: i.cache, Keys: keys})
	require.NoError(i.t, err)
	var said strings.Builder
	err = report.Print(&said, keys.IDs())
	return report, said.String(), err
}

func TestEverythingIsSealedWithTheFirstKeyAndReachesTheCache(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(), newKey()
	i := newInstallation(t, "acme", "other", "empty")
	for n := range 450 { // more than two batches
		i.webhook("acme", fmt.Sprintf("wh_%03d", n), ring(t, old))
	}
	i.webhook("other", "wh_other", ring(t, fresh))
	both := ring(t, fresh, old)
	ids := both.IDs()

	report, said, err := i.run(both)
	require.NoError(t, err)
	require.Equal(t, rekey.Report{Secrets: 1800, Webhooks: 450, Accounts: 1, InUse: map[string]int{ids[0]: 1804}}, report)
	require.Equal(t, "sealed anew with key "+ids[0]+": 1800 secrets of 450 webhooks of 1 accounts\n"+
		"in use: key "+ids[0]+", 1804 secrets\n"+
		"not in use: key "+ids[1]+" can go, once every api and sender has "+ids[0]+" as its first\n", said)
	for _, id := range []string{"wh_000", "wh_449"} {
		w, err := i.Webhook(t.Context(), "acme", id)
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two", "three", "four"}, opened(t, w, ring(t, fresh)))
	}

	// What senders read has the new key alone.
	mirror := redisstore.NewMirror(i.redis, zap.NewNop(), func(s hook.AccountState) hook.AccountState { return s })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mirror.Run(ctx) }()
	require.NoError(t, mirror.Sync(t.Context()))
	state, ok := mirror.Account("acme")
	require.True(t, ok)
	require.Len(t, state.Webhooks, 450)
	for _, w := range state.Webhooks {
		require.Equal(t, []string{"one", "two", "three", "four"}, opened(t, w, ring(t, fresh)))
	}
	cancel()
	require.NoError(t, <-done)

	account, err := i.Account(t.Context(), "acme")
	require.NoError(t, err)
	report, _, err = i.run(both)
	require.NoError(t, err)
	require.Equal(t, rekey.Report{InUse: map[string]int{ids[0]: 1804}}, report, "a second time there is nothing to do")
	again, err := i.Account(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, account.Version, again.Version)
}

func TestWhatIsSealedWithAnUnknownKeyIsLeftAndSaid(t *testing.T) {
	t.Parallel()
	lost, old, fresh := newKey(), newKey(), newKey()
	i := newInstallation(t, "acme")
	i.webhook("acme", "wh_1", ring(t, lost))
	i.webhook("acme", "wh_2", ring(t, old))
	both := ring(t, fresh, old)
	before, err := i.Webhook(t.Context(), "acme", "wh_1")
	require.NoError(t, err)
	report, said, err := i.run(both)
	require.ErrorContains(t, err, "there are secrets that cannot be opened, of wh_1: ")
	require.Equal(t, 4, report.Secrets)
	require.Contains(t, said, "in use: key "+ring(t, lost).IDs()[0]+", which is not in STAFFETTA_ENCRYPTION_KEY, 4 secrets\n")
	after, err := i.Webhook(t.Context(), "acme", "wh_1")
	require.NoError(t, err)
	require.Equal(t, before, after)
	for _, secret := range []string{lost, old, fresh, "one", "four"} {
		require.NotContains(t, said, secret)
	}

	report, _, err = i.run(ring(t, fresh, old, lost))
	require.NoError(t, err)
	require.Equal(t, 4, report.Secrets)
}

func TestWithoutACacheAnApiPublishesAndTheOldKeyStays(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(), newKey()
	i := newInstallation(t, "acme")
	i.webhook("acme", "wh_1", ring(t, old))
	both := ring(t, fresh, old)
	report, err := rekey.Run(t.Context(), rekey.Config{Store: i.Store, Keys: both})
	require.NoError(t, err)
	require.True(t, report.Unpublished)
	var said strings.Builder
	require.NoError(t, report.Print(&said, both.IDs()))
	require.Contains(t, said.String(), "not published to the cache yet")
	require.NotContains(t, said.String(), "can go,")

	require.NoError(t, i.redis.Flush(t.Context()))
	_, said2, err := i.run(both)
	require.ErrorIs(t, err, redisstore.ErrNoEpoch, "an api fills an empty cache")
	require.NotContains(t, said2, "can go,")
	_, err = rekey.Run(t.Context(), rekey.Config{Store: i.Store})
	require.EqualError(t, err, "rekey: there is no key")
}

// Ended in the middle, and again, beside somebody who goes on changing the webhooks.
func TestARunThatWasEndedGoesOnBesideOtherWriters(t *testing.T) {
	t.Parallel()
	old, fresh := newKey(), newKey()
	i := newInstallation(t, "acme")
	for n := range 450 {
		i.webhook("acme", fmt.Sprintf("wh_%03d", n), ring(t, old))
	}
	both := ring(t, fresh, old)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := rekey.Run(ctx, rekey.Config{Store: &ending{Store: i.Store, end: cancel}, Cache: i.cache, Keys: both})
	require.Error(t, err)
	first, err := i.Webhook(t.Context(), "acme", "wh_000")
	require.NoError(t, err)
	require.Equal(t, both.IDs()[0], seal.KeyID(first.Secrets[0]), "the first batch is done")

	writing, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	var writes int
	wait.Go(func() {
		for writing.Err() == nil {
			writes++
			_, err := i.UpdateWebhook(t.Context(), "acme", fmt.Sprintf("wh_%03d", writes%450), 0, func(w *hook.Webhook) error {
				w.Description = fmt.Sprint(writes)
				return nil
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
				return
			}
		}
	})
	report, err := rekey.Run(t.Context(), rekey.Config{Store: i.Store, Cache: i.cache, Keys: both})
	stop()
	wait.Wait()
	require.NoError(t, err)
	require.Equal(t, 1000, report.Secrets, "what was left")
	require.Equal(t, map[string]int{both.IDs()[0]: 1800}, report.InUse)
	for n := range 450 {
		w, err := i.Webhook(t.Context(), "acme", fmt.Sprintf("wh_%03d", n))
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two", "three", "four"}, opened(t, w, ring(t, fresh)))
		if n > 0 && n <= writes {
			require.NotEmpty(t, w.Description, "no write was lost")
		}
	}
}

// ending is a store at whose first batch somebody ends the run.
type ending struct {
	*sqlstore.Store
	end context.CancelFunc
}

func (e *ending) Reseal(ctx context.Context, account, after string, limit int, do func(*hook.Webhook) (bool, error)) (string, error) {
	next, err := e.Store.Reseal(ctx, account, after, limit, do)
	e.end()
	return next, err
}
