package redisstore

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

var errDied = errors.New("the process died here")

// interrupted is a client to which something happens before its nth command.
// Those of a transaction are one, as they are for Redis.
type interrupted struct {
	left atomic.Int64
	// happens before the command; its error is that of all from then on.
	happens func() error
	over    error
	reached bool
}

func (i *interrupted) next() error {
	if i.left.Add(-1) == -1 {
		i.reached = true
		i.over = i.happens()
	}
	return i.over
}

func (i *interrupted) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (i *interrupted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := i.next(); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (i *interrupted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "multi" {
			if err := i.next(); err != nil {
				return err
			}
			return next(ctx, cmds)
		}
		// One after the other, since Redis may have got some of them.
		var first error
		for n := range cmds {
			err := i.next()
			if err == nil {
				err = next(ctx, cmds[n:n+1])
			}
			if first == nil {
				first = err
			}
		}
		return first
	}
}

// another is a client of its own to the same Redis.
func another(t *testing.T, c *Client) *Client {
	t.Helper()
	own := &Client{rdb: c.from.client(), from: c.from}
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	return own
}

// atEachCommand lets something happen before each command of what do does with a
// store, and checks what is there then. Redis is as prepare makes it each time.
func atEachCommand(t *testing.T, c *Client, prepare func(), do func(*Store) error, happens func() error, check func(err error)) {
	t.Helper()
	for n := int64(0); ; n++ {
		require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
		prepare()
		i := &interrupted{happens: happens}
		i.left.Store(n)
		own := another(t, c)
		own.rdb.AddHook(i)
		err := do(NewStore(own, zap.NewNop()))
		if !i.reached {
			require.NoError(t, err)
			require.Greater(t, n, int64(3), "it has so many commands")
			return
		}
		check(err)
	}
}

// fresh is what a mirror that starts now sees: the versions of all accounts, nil if
// it waits.
func fresh(t *testing.T, c *Client) map[string]int64 {
	t.Helper()
	m := NewMirror(c, zap.NewNop(), func(s hook.AccountState) int64 { return s.Account.Version })
	if err := m.follow(t.Context()); err != nil {
		require.ErrorIs(t, err, ErrNoEpoch)
		return nil
	}
	seen := map[string]int64{}
	for id, a := range m.accounts {
		seen[id] = a.version
	}
	return seen
}

// requireNoLitter requires that what nobody will read goes away by itself.
func requireNoLitter(t *testing.T, c *Client) {
	t.Helper()
	epoch, err := currentEpoch(t.Context(), c.rdb)
	if !errors.Is(err, ErrNoEpoch) {
		require.NoError(t, err)
	}
	all, err := c.rdb.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	for _, key := range all {
		ttl, err := c.rdb.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		if key == epochKey || slices.Contains(keys(epoch), key) {
			require.Negative(t, ttl, key) // it stays
		} else {
			require.Positive(t, ttl, key)
		}
	}
}

// before and after are two states of the system of record, the second in two pages.
var (
	before     = []hook.AccountState{account("acme", 1, "wh_1"), account("beta", 1)}
	after      = []hook.AccountState{account("acme", 2, "wh_1"), account("beta", 1), account("late", 1)}
	seenBefore = map[string]int64{"acme": 1, "beta": 1}
	seenAfter  = map[string]int64{"acme": 2, "beta": 1, "late": 1}
)

// inPages fills from the system of record as it is when the walk through it begins.
// meanwhile comes before the walk's end.
func inPages(ctx context.Context, s *Store, record *[]hook.AccountState, meanwhile func()) error {
	return s.Refill(ctx, func(yield func([]hook.AccountState) error) error {
		states := *record
		err := errors.Join(yield(states[:1]), yield(states[1:]))
		meanwhile()
		return err
	})
}

func nothing() {}

func TestAFillThatDiesAnywhereLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ prepared []hook.AccountState }{"an empty redis": {}, "one that is filled": {before}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachRedis(t, func(t *testing.T, cl *Client) {
				s := NewStore(cl, zap.NewNop())
				atEachCommand(t, cl, func() {
					if c.prepared != nil {
						refill(t, s, c.prepared...)
					}
				}, func(dying *Store) error { return inPages(t.Context(), dying, &after, nothing) },
					func() error { return errDied },
					func(err error) {
						require.ErrorIs(t, err, errDied)
						if seen := fresh(t, cl); c.prepared != nil && seen["late"] == 0 {
							require.Equal(t, seenBefore, seen)
						} else if seen != nil {
							require.Equal(t, seenAfter, seen)
						}
						requireNoLitter(t, cl)
						refill(t, s, after...)
						require.Equal(t, seenAfter, fresh(t, cl), "the next one does it")
						requireNoLitter(t, cl)
					})
			})
		})
	}
}

func TestAFlushInTheMiddleOfAFillIsNoPartOfAll(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		atEachCommand(t, c, func() { refill(t, s, before...) },
			func(filling *Store) error { return inPages(t.Context(), filling, &after, nothing) },
			func() error { return c.rdb.FlushDB(t.Context()).Err() },
			func(err error) {
				if err != nil {
					require.ErrorIs(t, err, ErrNoEpoch)
				}
				if seen := fresh(t, c); seen != nil {
					require.Equal(t, seenAfter, seen)
				}
				requireNoLitter(t, c)
			})
	})
}

func TestAPublicationThatDiesAnywhereIsMadeAgain(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		changed := []hook.AccountState{after[0], after[2]}
		atEachCommand(t, c, func() { refill(t, s, before...) },
			func(dying *Store) error { return dying.Publish(t.Context(), changed) },
			func() error { return errDied },
			func(err error) {
				require.ErrorIs(t, err, errDied)
				seen := fresh(t, c)
				require.Subset(t, []int64{1, 2}, []int64{seen["acme"]})
				require.EqualValues(t, 1, seen["beta"])
				require.NoError(t, s.Publish(t.Context(), changed))
				require.Equal(t, seenAfter, fresh(t, c))
				requireNoLitter(t, c)
			})
	})
}

func TestAFlushInTheMiddleOfAPublicationLeavesNothing(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		atEachCommand(t, c, func() { refill(t, s, before...) },
			func(publishing *Store) error { return publishing.Publish(t.Context(), after) },
			func() error { return c.rdb.FlushDB(t.Context()).Err() },
			func(err error) {
				if err != nil {
					require.ErrorIs(t, err, ErrNoEpoch)
				}
				require.Nil(t, fresh(t, c), "one that starts now waits")
				requireNoLitter(t, c)
			})
	})
}

// A fill reads the system of record before it writes, so it may be behind what
// another api has published meanwhile.
func TestNothingPublishedDuringAFillIsLost(t *testing.T) {
	t.Parallel()
	changed := []hook.AccountState{after[0], after[2]}
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		seen := func(err error) {
			require.NoError(t, err)
			require.Equal(t, seenAfter, fresh(t, c))
			requireNoLitter(t, c)
			d, ok, err := s.Digest(t.Context())
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, hook.StateDigest{Accounts: 3, Versions: 4}, d)
		}
		t.Run("a publication at any moment of a fill", func(t *testing.T) {
			record := before
			atEachCommand(t, c, func() { refill(t, s, before...); record = before },
				func(filling *Store) error { return inPages(t.Context(), filling, &record, nothing) },
				func() error {
					record = after
					return s.Publish(t.Context(), changed)
				}, seen)
		})
		t.Run("the end of a fill at any moment of a publication", func(t *testing.T) {
			var end func() error
			atEachCommand(t, c, func() {
				refill(t, s, before...)
				walked, release := make(chan struct{}), make(chan struct{})
				ended := make(chan error, 1)
				go func() {
					ended <- inPages(t.Context(), NewStore(another(t, c), zap.NewNop()), &before, func() {
						close(walked)
						<-release
					})
				}()
				<-walked
				end = sync.OnceValue(func() error { close(release); return <-ended })
			}, func(publishing *Store) error {
				return errors.Join(publishing.Publish(t.Context(), changed), end())
			},
				func() error { return end() }, seen)
		})
		t.Run("another fill at any moment of a fill", func(t *testing.T) {
			atEachCommand(t, c, func() { refill(t, s, before...) },
				func(filling *Store) error { return inPages(t.Context(), filling, &after, nothing) },
				func() error { return inPages(t.Context(), s, &after, nothing) }, seen)
		})
	})
}
