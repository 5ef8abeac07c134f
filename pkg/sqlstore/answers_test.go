package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

var errRefused = errors.New("refused")

func request(owner byte, key string, request byte) hook.RequestKey {
	return hook.RequestKey{Owner: [32]byte{owner}, Key: key, Request: [32]byte{request}}
}

// answering makes a webhook and answers.
func (f fixture) answering(t *testing.T, id, answer string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		_, err := f.CreateWebhook(ctx, webhook("acme", id))
		require.NoError(t, err)
		_, err = f.Webhook(ctx, "acme", id)
		require.NoError(t, err, "it sees what it has done")
		return []byte(answer), nil
	}
}

func never(context.Context) ([]byte, error) { return nil, errors.New("it ran again") }

func TestARequestIsCarriedOutOnceWithItsAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		ctx, k, until := t.Context(), request(1, "k", 1), f.clock.Now().Add(time.Hour)
		answer, again, err := f.Once(ctx, k, until, f.answering(t, "wh_1", "one"))
		require.NoError(t, err)
		require.False(t, again)
		require.Equal(t, "one", string(answer))

		answer, again, err = f.Once(ctx, k, until, never)
		require.NoError(t, err)
		require.True(t, again)
		require.Equal(t, "one", string(answer))

		_, _, err = f.Once(ctx, request(1, "k", 2), until, never)
		require.ErrorIs(t, err, hook.ErrConflict, "another request under the key")
		_, _, _, err = f.Claim(ctx, request(1, "k", 2), time.Minute, until)
		require.ErrorIs(t, err, hook.ErrConflict)

		_, again, err = f.Once(ctx, request(2, "k", 2), until, f.answering(t, "wh_2", "two"))
		require.NoError(t, err)
		require.False(t, again, "somebody else's key")

		f.clock.Add(time.Hour)
		answer, again, err = f.Once(ctx, request(1, "k", 3), f.clock.Now().Add(time.Hour), f.answering(t, "wh_3", "three"))
		require.NoError(t, err)
		require.False(t, again, "the key stands for nothing any more")
		require.Equal(t, "three", string(answer))
	})
}

func TestARequestThatFailsLeavesNothingAndFreesItsKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		ctx, until := t.Context(), f.clock.Now().Add(time.Hour)
		_, _, err := f.Once(ctx, request(1, "k", 1), until, func(ctx context.Context) ([]byte, error) {
			_, err := f.answering(t, "wh_1", "one")(ctx)
			require.NoError(t, err)
			require.ErrorIs(t, f.RevokeKey(ctx, "acme", "key_0"), hook.ErrNotFound, "which breaks nothing else")
			return nil, errRefused
		})
		require.ErrorIs(t, err, errRefused)
		_, err = f.Webhook(ctx, "acme", "wh_1")
		require.ErrorIs(t, err, hook.ErrNotFound)
		_, again, err := f.Once(ctx, request(1, "k", 2), until, f.answering(t, "wh_1", "one"))
		require.NoError(t, err)
		require.False(t, again)
	})
}

func TestOfTwinsThatComeTogetherOneIsCarriedOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		const twins = 8
		ran, errs := make(chan int, 5*twins), make(chan error, twins)
		for n := range twins {
			go func() {
				answer, _, err := f.Once(t.Context(), request(1, "k", 1), f.clock.Now().Add(time.Hour), func(ctx context.Context) ([]byte, error) {
					_, err := f.CreateWebhook(ctx, webhook("acme", fmt.Sprintf("wh_%d", n)))
					ran <- n
					return fmt.Appendf(nil, "wh_%d", n), err
				})
				if err == nil {
					_, err = f.Webhook(t.Context(), "acme", string(answer))
				}
				errs <- err
			}()
		}
		for range twins {
			require.NoError(t, <-errs)
		}
		list, _, err := f.Webhooks(t.Context(), "acme", hook.WebhookFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Len(t, ran, 1)
	})
}

func TestAClaimIsForOneUntilItRunsOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		ctx, k, until := t.Context(), request(1, "k", 1), f.clock.Now().Add(time.Hour)
		first, _, again, err := f.Claim(ctx, k, time.Minute, until)
		require.NoError(t, err)
		require.False(t, again)
		require.Equal(t, hook.Claim{Since: start, Until: start.Add(time.Minute)}, first)
		_, _, _, err = f.Claim(ctx, k, time.Minute, until)
		require.ErrorIs(t, err, hook.ErrUnderWay)
		_, _, err = f.Once(ctx, k, until, never)
		require.ErrorIs(t, err, hook.ErrUnderWay)

		f.clock.Add(time.Minute) // it died
		_, _, _, err = f.Claim(ctx, request(1, "k", 2), time.Minute, until)
		require.ErrorIs(t, err, hook.ErrConflict, "the key stands for the request all the same")
		second, _, again, err := f.Claim(ctx, k, time.Minute, until)
		require.NoError(t, err)
		require.False(t, again)
		require.Equal(t, hook.Claim{Since: start, Until: start.Add(2 * time.Minute)}, second, "the same request")

		require.ErrorIs(t, f.Keep(ctx, k, first, []byte("late")), hook.ErrStale)
		require.ErrorIs(t, f.Release(ctx, k, first, true), hook.ErrStale)
		require.NoError(t, f.Keep(ctx, k, second, []byte("one")))
		_, answer, again, err := f.Claim(ctx, k, time.Minute, until)
		require.NoError(t, err)
		require.True(t, again)
		require.Equal(t, "one", string(answer))
		require.ErrorIs(t, f.Release(ctx, k, second, true), hook.ErrStale, "it has its answer")
	})
}

func TestAClaimThatIsReleasedCanBeTakenAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		ctx, k, until := t.Context(), request(1, "k", 1), f.clock.Now().Add(time.Hour)
		c, _, _, err := f.Claim(ctx, k, time.Minute, until)
		require.NoError(t, err)
		f.clock.Add(time.Second)
		require.NoError(t, f.Release(ctx, k, c, false))
		_, _, _, err = f.Claim(ctx, request(1, "k", 2), time.Minute, until)
		require.ErrorIs(t, err, hook.ErrConflict)
		c, _, _, err = f.Claim(ctx, k, time.Minute, until)
		require.NoError(t, err)
		require.Equal(t, start, c.Since)

		require.NoError(t, f.Release(ctx, k, c, true))
		c, _, _, err = f.Claim(ctx, request(1, "k", 2), time.Minute, until)
		require.NoError(t, err, "the key is free")
		require.Equal(t, f.clock.Now(), c.Since)
	})
}

func TestOldAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		ctx := t.Context()
		for n, kept := range []time.Duration{time.Hour, 2 * time.Hour} {
			_, _, err := f.Once(ctx, request(1, fmt.Sprint(n), 1), f.clock.Now().Add(kept), f.answering(t, fmt.Sprintf("wh_%d", n), "one"))
			require.NoError(t, err)
		}
		left := func() (n int) {
			require.NoError(t, f.ForgetAnswers(ctx))
			require.NoError(t, f.db.QueryRowContext(ctx, `SELECT count(*) FROM idempotency_keys`).Scan(&n))
			return n
		}
		require.Equal(t, 2, left())
		f.clock.Add(time.Hour)
		require.Equal(t, 1, left())
		f.clock.Add(time.Hour)
		require.Zero(t, left())
	})
}
