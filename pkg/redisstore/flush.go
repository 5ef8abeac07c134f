package redisstore

import (
	"context"
	"fmt"
)

// Flush removes everything from the database that the client's URL names, as an
// operator or a crash may at any moment. Only benchmarks and tests do it.
func (c *Client) Flush(ctx context.Context) error {
	if err := c.rdb.FlushDB(ctx).Err(); err != nil {
		return fmt.Errorf("flush redis: %w", err)
	}
	return nil
}
