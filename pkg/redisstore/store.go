// Package redisstore keeps the snapshot of all accounts and their webhooks in
// Redis: the api writes it (Store), router and sender mirror it (Mirror).
//
// Redis is a cache. Versions come from the system of record, per account, and
// never from Redis; whatever Redis forgets, the api fills in again. A fill
// writes a new epoch beside the old one and names it as the current one last,
// so that a flushed, half-filled or rolled-back Redis never looks like "no
// webhooks": readers ignore epochs that nothing names, and lower versions.
//
// Keys, all of an epoch in one slot of a Redis Cluster:
//
//	staffetta:epoch             id of the current, complete epoch
//	staffetta:{<id>}:accounts   hash: account id → snapshot.v1.Account
//	staffetta:{<id>}:versions   hash: account id → version
//	staffetta:{<id>}:changes    sorted set: account id by cursor of its last change
//	staffetta:{<id>}:meta       hash: cursor (rises by 1 a change), accounts (their
//	                            number), versions (their sum)
//	staffetta:changed           channel: account id, or "" for a new epoch
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	epochKey       = "staffetta:epoch"
	changedChannel = "staffetta:changed"

	// unfinishedTTL removes what a fill that died left behind. A fill of
	// 1,000,000 webhooks takes about a minute.
	unfinishedTTL = time.Hour
	// retiredTTL leaves the epoch before readable for those who are in the
	// middle of it.
	retiredTTL = time.Minute
)

// ErrNoEpoch says that Redis holds no complete snapshot.
var ErrNoEpoch = errors.New("redis holds no complete snapshot")

func accountsKey(epoch string) string { return "staffetta:{" + epoch + "}:accounts" }
func versionsKey(epoch string) string { return "staffetta:{" + epoch + "}:versions" }
func changesKey(epoch string) string  { return "staffetta:{" + epoch + "}:changes" }
func metaKey(epoch string) string     { return "staffetta:{" + epoch + "}:meta" }

func keys(epoch string) []string {
	return []string{accountsKey(epoch), versionsKey(epoch), changesKey(epoch), metaKey(epoch)}
}

// put writes an account unless a version as new is there: two api processes
// may publish the same account in any order. A script, since this is not the
// hot path.
var put = redis.NewScript(`
local old = redis.call('HGET', KEYS[2], ARGV[1])
if old and tonumber(old) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'cursor', 1), ARGV[1])
if not old then redis.call('HINCRBY', KEYS[4], 'accounts', 1) end
redis.call('HINCRBY', KEYS[4], 'versions', ARGV[2] - (old or 0))
return 1
`)

// Store is the writing side of the snapshot.
type Store struct {
	rdb redis.UniversalClient
	log *zap.Logger
}

// NewStore writes through the client.
func NewStore(c *Client, log *zap.Logger) *Store { return &Store{rdb: c.rdb, log: log} }

// Publish writes accounts into the current epoch and tells the mirrors.
// ErrNoEpoch if there is none: call Refill.
func (s *Store) Publish(ctx context.Context, states []hook.AccountState) error {
	epoch, err := currentEpoch(ctx, s.rdb)
	if err != nil {
		return err
	}
	if err := s.write(ctx, epoch, states); err != nil {
		return err
	}
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, state := range states {
			p.Publish(ctx, changedChannel, state.Account.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("announce changes in redis: %w", err)
	}
	return nil
}

// Digest sums up the current epoch; ok is false if there is none, or not all of
// it.
func (s *Store) Digest(ctx context.Context) (d hook.StateDigest, ok bool, err error) {
	epoch, err := currentEpoch(ctx, s.rdb)
	if errors.Is(err, ErrNoEpoch) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	there, err := read(ctx, s.rdb, epoch)
	if errors.Is(err, ErrNoEpoch) || err == nil && !there.whole() {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	d.Accounts, d.Versions = there.accounts, there.versions
	return d, true, nil
}

// Refill writes a new epoch from all states that walk yields, and makes it the
// current one last. The epoch before stays readable for a minute.
func (s *Store) Refill(ctx context.Context, walk func(yield func([]hook.AccountState) error) error) error {
	before, err := currentEpoch(ctx, s.rdb)
	if err != nil && !errors.Is(err, ErrNoEpoch) {
		return err
	}
	epoch := rand.Text()
	if err := walk(func(states []hook.AccountState) error {
		if err := s.write(ctx, epoch, states); err != nil {
			return err
		}
		return s.eachKey(ctx, epoch, func(p redis.Pipeliner, key string) { p.Expire(ctx, key, unfinishedTTL) })
	}); err != nil {
		return fmt.Errorf("refill redis: %w", err)
	}
	// An installation without accounts has an epoch too.
	if err := s.rdb.HSetNX(ctx, metaKey(epoch), "cursor", 0).Err(); err != nil {
		return fmt.Errorf("refill redis: %w", err)
	}
	if err := s.eachKey(ctx, epoch, func(p redis.Pipeliner, key string) { p.Persist(ctx, key) }); err != nil {
		return err
	}
	if err := s.rdb.Set(ctx, epochKey, epoch, 0).Err(); err != nil {
		return fmt.Errorf("name the new epoch in redis: %w", err)
	}
	if before != "" {
		if err := s.eachKey(ctx, before, func(p redis.Pipeliner, key string) { p.Expire(ctx, key, retiredTTL) }); err != nil {
			return err
		}
	}
	if err := s.rdb.Publish(ctx, changedChannel, "").Err(); err != nil {
		return fmt.Errorf("announce the new epoch in redis: %w", err)
	}
	return nil
}

// write puts the states into an epoch.
func (s *Store) write(ctx context.Context, epoch string, states []hook.AccountState) error {
	if len(states) == 0 {
		return nil
	}
	// EVALSHA in a pipeline cannot fall back to EVAL, so the script goes first.
	if err := put.Load(ctx, s.rdb).Err(); err != nil {
		return fmt.Errorf("load script into redis: %w", err)
	}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, state := range states {
			blob, err := encode(state)
			if err != nil {
				// One account must not keep the changes of all others back.
				s.log.Error("an account cannot be encoded for redis; it goes with what is not UTF-8 replaced",
					zap.String("account", state.Account.ID), zap.Error(err))
				if blob, err = encodeMended(state); err != nil {
					s.log.Error("an account cannot be written to redis", zap.String("account", state.Account.ID), zap.Error(err))
					continue
				}
			}
			put.EvalSha(ctx, p, keys(epoch), state.Account.ID, state.Account.Version, blob)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write accounts to redis: %w", err)
	}
	return nil
}

func (s *Store) eachKey(ctx context.Context, epoch string, do func(redis.Pipeliner, string)) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys(epoch) {
			do(p, key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set the lifetime of epoch %s in redis: %w", epoch, err)
	}
	return nil
}

// currentEpoch names the complete epoch, or is ErrNoEpoch.
func currentEpoch(ctx context.Context, rdb redis.UniversalClient) (string, error) {
	epoch, err := rdb.Get(ctx, epochKey).Result()
	if errors.Is(err, redis.Nil) {
		return "", ErrNoEpoch
	}
	if err != nil {
		return "", fmt.Errorf("read epoch from redis: %w", err)
	}
	return epoch, nil
}

// number reads a field of a hash that may be absent.
func number(value any) (int64, error) {
	text, ok := value.(string)
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read number from redis: %w", err)
	}
	return n, nil
}
