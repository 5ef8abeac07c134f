package redisstore

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Client is a connection pool to Redis.
type Client struct {
	rdb redis.UniversalClient
	// from is what rdb was made of, for those who need connections of their own.
	from source
}

func init() {
	// What go-redis would print to standard error of its own accord comes back as
	// an error too, and is logged where it matters.
	redis.SetLogger(silence{})
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Open makes a client for a URL: redis://, rediss:// or unix:// of one server; with
// ?cluster=true of a Redis Cluster, and with ?master_name=NAME of Sentinels, who know which
// server is the master; either with more of their nodes as &addr=host:port. With Sentinels
// the URL's user is theirs, and &username= and &password= are the servers'. It does not
// connect yet: Redis may come later. The error does not repeat the URL, which may hold a
// password.
func Open(url string) (*Client, error) { return OpenTLS(url, nil) }

// OpenTLS is Open with authorities to trust and a client certificate for a rediss:// URL;
// nil for the system's and none. Of every node the certificate must hold for the first host
// of the URL.
func OpenTLS(url string, trust *tls.Config) (*Client, error) {
	from, err := parse(url, trust)
	if err != nil {
		return nil, err
	}
	return &Client{rdb: from.client(), from: from}, nil
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
