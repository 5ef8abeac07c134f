package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Refill writes a new epoch from all states that walk yields, and makes it the
// current one last. The epoch before stays readable for a minute. If another
// member has made a new one meanwhile, that one stays. ErrNoEpoch if Redis has
// forgotten the new epoch on the way.
func (s *Store) Refill(ctx context.Context, walk func(yield func([]hook.AccountState) error) error) error {
	before, cursor, err := s.current(ctx)
	if err != nil {
		return err
	}
	epoch := epochPrefix + rand.Text()
	if err := s.begin(ctx, epoch); err != nil {
		return err
	}
	if err := walk(func(states []hook.AccountState) error {
		if err := s.write(ctx, epoch, states); err != nil {
			return err
		}
		return s.live(ctx, epoch) // for as long again
	}); err != nil {
		return fmt.Errorf("refill redis: %w", err)
	}
	for {
		cursor, err = s.carry(ctx, before, cursor, epoch)
		if err != nil {
			return err
		}
		err := s.name(ctx, epoch, before, cursor)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

// current is the current epoch with the cursor of its newest change; both empty
// if there is none.
func (s *Store) current(ctx context.Context) (epoch string, cursor int64, err error) {
	epoch, err = currentEpoch(ctx, s.rdb)
	if err == nil {
		var there parts
		there, err = read(ctx, s.rdb, epoch)
		cursor = there.cursor
	}
	if errors.Is(err, ErrNoEpoch) {
		err = nil // it may be named and lost
	}
	return epoch, cursor, err
}

// begin makes an epoch that goes away by itself unless it is named. An
// installation without accounts has one too.
func (s *Store) begin(ctx context.Context, epoch string) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, metaKey(epoch), "cursor", 0)
		p.Expire(ctx, metaKey(epoch), unfinishedTTL)
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin an epoch in redis: %w", err)
	}
	return nil
}

func (s *Store) live(ctx context.Context, epoch string) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys(epoch) {
			p.Expire(ctx, key, unfinishedTTL)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set the lifetime of epoch %s in redis: %w", epoch, err)
	}
	return nil
}

// carry takes over into an epoch what was published to the one before since a
// cursor: the walk may have passed those accounts already. It returns the cursor
// up to which it did.
func (s *Store) carry(ctx context.Context, before string, since int64, epoch string) (int64, error) {
	if before == "" {
		return 0, nil
	}
	changed, err := s.rdb.ZRangeByScoreWithScores(ctx, changesKey(before), &redis.ZRangeBy{
		Min: "(" + strconv.FormatInt(since, 10), Max: "+inf",
	}).Result()
	if err != nil {
		return 0, fmt.Errorf("read changes since the fill began from redis: %w", err)
	}
	for _, z := range changed {
		id, _ := z.Member.(string) // redis has nothing else
		since = int64(z.Score)
		blob, err := s.rdb.HGet(ctx, accountsKey(before), id).Result()
		if errors.Is(err, redis.Nil) {
			continue // evicted, or flushed: what is not there cannot be lost
		}
		if err != nil {
			return 0, fmt.Errorf("read account %s from redis: %w", id, err)
		}
		state, err := decode([]byte(blob))
		if err != nil {
			s.log.Error("an account in redis cannot be read; it goes as the database has it", zap.String("account", id), zap.Error(err))
			continue
		}
		if err := s.write(ctx, epoch, []hook.AccountState{state}); err != nil {
			return 0, err
		}
	}
	return since, nil
}

// name makes an epoch the current one, all at once, if the one before still is, or
// is gone, and nothing was published to it since the cursor: redis.TxFailedErr if
// something was.
func (s *Store) name(ctx context.Context, epoch, before string, cursor int64) error {
	watched := []string{epochKey, metaKey(epoch)}
	if before != "" {
		watched = append(watched, metaKey(before))
	}
	err := s.rdb.Watch(ctx, func(tx *redis.Tx) error {
		now, err := tx.Get(ctx, epochKey).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if now != "" && now != before {
			return errOther
		}
		if now != "" {
			at, err := tx.HGet(ctx, metaKey(before), "cursor").Int64()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			if at > cursor {
				return redis.TxFailedErr
			}
		}
		there, err := tx.Exists(ctx, metaKey(epoch)).Result()
		if err != nil {
			return err
		}
		if there == 0 {
			return ErrNoEpoch
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys(epoch) {
				p.Persist(ctx, key)
			}
			p.Set(ctx, epochKey, epoch, 0)
			if before != "" {
				for _, key := range keys(before) {
					p.Expire(ctx, key, retiredTTL)
				}
			}
			p.Publish(ctx, changedChannel, "")
			return nil
		})
		return err
	}, watched...)
	switch {
	case errors.Is(err, errOther):
		return s.drop(ctx, epoch)
	case errors.Is(err, redis.TxFailedErr):
		return err // a signal, no fault
	case err != nil:
		return fmt.Errorf("name the new epoch in redis: %w", err)
	}
	return nil
}

// errOther says that another member has named an epoch meanwhile.
var errOther = errors.New("another epoch is the current one")

// drop removes an epoch that nobody needs. It would go by itself within the hour.
func (s *Store) drop(ctx context.Context, epoch string) error {
	if err := s.rdb.Unlink(ctx, keys(epoch)...).Err(); err != nil {
		return fmt.Errorf("drop epoch %s from redis: %w", epoch, err)
	}
	return nil
}
