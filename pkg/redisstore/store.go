// Package redisstore keeps the snapshot of all accounts and their webhooks in
// Redis: the api writes it (Store), router and sender mirror it (Mirror).
//
// Redis is a cache. Versions come from the system of record, per account, and
// never from Redis; whatever Redis forgets, the api fills in again. A fill
// writes a new epoch beside the old one and names it as the current one last,
// with all that was published to the old one meanwhile, so that a flushed,
// half-filled or rolled-back Redis never looks like "no webhooks": readers ignore
// epochs that nothing names, and lower versions. An epoch that Redis has
// forgotten is not written to any more, or what comes after a flush would look
// like all of it.
//
// Keys, where those of all epochs are in the slot of staffetta:epoch in a Redis Cluster,
// since an epoch is named in a transaction with the one before:
//
//	staffetta:epoch             id of the current, complete epoch: "staffetta:epoch}:"
//	                            and what chance says
//	staffetta:{<id>}:accounts   hash: account id → snapshot.v1.Account
//	staffetta:{<id>}:versions   hash: account id → version
//	staffetta:{<id>}:changes    sorted set: account id by cursor of its last change
//	staffetta:{<id>}:meta       hash: cursor (rises by 1 a change), accounts (their
//	                            number), versions (their sum)
//	staffetta:changed           channel: account id, or "" for a new epoch
package redisstore

import (
	"context"
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
	// epochPrefix begins every id. It closes the braces of its keys, so that what is hashed
	// of staffetta:{staffetta:epoch}:…}:meta is staffetta:epoch. A version that did not know
	// it makes the same keys of the id.
	epochPrefix = epochKey + "}:"

	// unfinishedTTL removes what a fill that died left behind. A fill of
	// 1,000,000 webhooks takes about a minute.
	unfinishedTTL = time.Hour
	// retiredTTL leaves the epoch before readable for those who are in the
	// middle of it.
	retiredTTL = time.Minute
)

// ErrNoEpoch says that Redis holds no complete snapshot, or has forgotten the one
// that was written to.
var ErrNoEpoch = errors.New("redis holds no complete snapshot")

func accountsKey(epoch string) string { return "staffetta:{" + epoch + "}:accounts" }
func versionsKey(epoch string) string { return "staffetta:{" + epoch + "}:versions" }
func changesKey(epoch string) string  { return "staffetta:{" + epoch + "}:changes" }
func metaKey(epoch string) string     { return "staffetta:{" + epoch + "}:meta" }

func keys(epoch string) []string {
	return []string{accountsKey(epoch), versionsKey(epoch), changesKey(epoch), metaKey(epoch)}
}

// put writes an account unless a version as new is there: two api processes
// may publish the same account in any order. It refuses if the epoch is not there
// (any more), and gives what it makes the lifetime of the epoch. A script, since
// this is not the hot path.
var put = redis.NewScript(`
local ttl = redis.call('PTTL', KEYS[4])
if ttl == -2 then return redis.error_reply('` + forgotten + ` ' .. KEYS[4]) end
local old = redis.call('HGET', KEYS[2], ARGV[1])
if old and tonumber(old) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'cursor', 1), ARGV[1])
if not old and redis.call('HINCRBY', KEYS[4], 'accounts', 1) == 1 and ttl > 0 then
  for n = 1, 3 do redis.call('PEXPIRE', KEYS[n], ttl) end
end
redis.call('HINCRBY', KEYS[4], 'versions', ARGV[2] - (old or 0))
return 1
`)

// forgotten begins put's refusal.
const forgotten = "NOEPOCH"

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
	for {
		if err := s.write(ctx, epoch, states); err != nil {
			return err
		}
		// A new one that was named before the write may not have it; one that is
		// named after this look does: see Refill.
		now, err := currentEpoch(ctx, s.rdb)
		if err != nil {
			return err
		}
		if now == epoch {
			break
		}
		epoch = now
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
	if err != nil && redis.HasErrorPrefix(err, forgotten) {
		err = fmt.Errorf("epoch %s: %w", epoch, ErrNoEpoch)
	}
	if err != nil {
		return fmt.Errorf("write accounts to redis: %w", err)
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
