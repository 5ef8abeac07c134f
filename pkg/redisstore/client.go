package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Client is a connection pool to Redis.
type Client struct {
	rdb redis.UniversalClient
	// options that rdb was made of, for those who need connections of their own.
	options *redis.Options
}

func init() {
	// What go-redis would print to standard error of its own accord comes back as
	// an error too, and is logged where it matters.
	redis.SetLogger(silence{})
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Open makes a client for redis://, rediss:// or unix:// URLs. It does not
// connect yet: Redis may come later. The error does not repeat the URL, which
// may hold a password.
func Open(url string) (*Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("must be redis://[user:password@]host:port[/db] or rediss://…")
	}
	return &Client{rdb: redis.NewClient(options), options: options}, nil
}

// Ping reports whether Redis answers.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.rdb.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// Close ends all connections.
func (c *Client) Close() error { return c.rdb.Close() }
