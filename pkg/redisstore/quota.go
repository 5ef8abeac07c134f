package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// counterTimeout bounds a dial, a read and a write for a counter when ctx
	// leaves more time: who waits is a delivery.
	counterTimeout = 250 * time.Millisecond
	// minCounterLife keeps a counter whose expiry has passed by the clock here: an
	// EXPIRE that is not positive would delete it at once.
	minCounterLife = time.Minute
)

// Counters counts the calls that accounts take of the periods of their quota; it
// is what package quota wants. Keys:
//
//	staffetta:quota:<account>:<start of the period, Unix ms>   integer
type Counters struct{ rdb redis.UniversalClient }

// NewCounters counts in the server that the client talks to, on connections of its
// own: it gives up sooner, and never repeats a command whose outcome is unknown,
// since what is added twice is wrong.
func NewCounters(c *Client) *Counters { return newCounters(c, counterTimeout) }

func newCounters(c *Client, timeout time.Duration) *Counters {
	return &Counters{rdb: c.from.once(timeout)}
}

func counterKey(account string, period time.Time) string {
	return "staffetta:quota:" + account + ":" + strconv.FormatInt(period.UnixMilli(), 10)
}

// Add adds n to the calls taken of the period that begins then, and returns their
// sum; with 0 it reads. The counter may be forgotten after expires. After an error
// n may have been added or not.
func (c *Counters) Add(ctx context.Context, account string, period time.Time, n int64, expires time.Time) (int64, error) {
	key := counterKey(account, period)
	var sum *redis.IntCmd
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		sum = p.IncrBy(ctx, key, n)
		// As a span, since the server's clock may be another.
		p.Expire(ctx, key, max(minCounterLife, time.Until(expires)))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("add to the quota's counter in redis: %w", err)
	}
	return sum.Val(), nil
}

// Close ends the connections.
func (c *Counters) Close() error { return c.rdb.Close() }
