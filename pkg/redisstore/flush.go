package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Flush removes everything from the database that the client's URL names, as an
// operator or a crash may at any moment. Only benchmarks and tests do it.
func (c *Client) Flush(ctx context.Context) error {
	flush := func(ctx context.Context, server *redis.Client) error { return server.FlushDB(ctx).Err() }
	var err error
	switch rdb := c.rdb.(type) {
	case *redis.ClusterClient:
		err = rdb.ForEachMaster(ctx, flush)
	default:
		err = rdb.FlushDB(ctx).Err()
	}
	if err != nil {
		return fmt.Errorf("flush redis: %w", err)
	}
	return nil
}
