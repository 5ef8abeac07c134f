package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// parts is what an epoch says of itself, and what is there: an evicting Redis
// loses one key and not the other.
type parts struct {
	// cursor of the newest change; the number of accounts; the sum of their
	// versions.
	cursor, accounts, versions int64
	// The sizes of the three collections, which hold every account each.
	blobs, known, changes int64
}

// whole reports whether nothing of the epoch is lost.
func (p parts) whole() bool {
	return p.blobs == p.accounts && p.known == p.accounts && p.changes == p.accounts
}

// read looks at an epoch at one moment.
func read(ctx context.Context, rdb redis.UniversalClient, epoch string) (p parts, err error) {
	var meta *redis.SliceCmd
	var blobs, known, changes *redis.IntCmd
	_, err = rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		meta = pipe.HMGet(ctx, metaKey(epoch), "cursor", "accounts", "versions")
		blobs = pipe.HLen(ctx, accountsKey(epoch))
		known = pipe.HLen(ctx, versionsKey(epoch))
		changes = pipe.ZCard(ctx, changesKey(epoch))
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("read epoch %s from redis: %w", epoch, err)
	}
	values := meta.Val()
	if values[0] == nil {
		return p, fmt.Errorf("epoch %s: %w", epoch, ErrNoEpoch)
	}
	for i, to := range []*int64{&p.cursor, &p.accounts, &p.versions} {
		if *to, err = number(values[i]); err != nil {
			return p, err
		}
	}
	p.blobs, p.known, p.changes = blobs.Val(), known.Val(), changes.Val()
	return p, nil
}
