package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/staffetta/staffetta/pkg/hook"
)

// FilterErrors holds what went wrong with webhooks' filters, for people to see.
// Nothing depends on it: a count is of what was reported since Redis lost it, or
// since Forget.
type FilterErrors struct{ rdb redis.UniversalClient }

// NewFilterErrors reads and writes through the client.
func NewFilterErrors(c *Client) *FilterErrors { return &FilterErrors{rdb: c.rdb} }

// filterErrorsKept is how long the last error of a webhook is shown: as long as
// the event that it is about can be looked at by default (CONTRACT.md, "Retention").
const filterErrorsKept = 14 * 24 * time.Hour

// The fields of a webhook's hash.
const (
	fieldCount   = "count"
	fieldAt      = "at" // Unix milliseconds
	fieldEvent   = "event"
	fieldMessage = "message"
)

func filterErrorsKey(webhook string) string { return "staffetta:filter-errors:" + webhook }

// Report adds errors to what was reported before.
func (f *FilterErrors) Report(ctx context.Context, reported []hook.FilterError) error {
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range reported {
			e := &reported[i]
			key := filterErrorsKey(e.Webhook)
			p.HIncrBy(ctx, key, fieldCount, e.Count)
			p.HSet(ctx, key, fieldAt, e.At.UnixMilli(), fieldEvent, e.Event, fieldMessage, e.Message)
			p.Expire(ctx, key, filterErrorsKept)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("report errors of filters to redis: %w", err)
	}
	return nil
}

// Forget drops what was reported of a webhook: its filter is another one now.
func (f *FilterErrors) Forget(ctx context.Context, webhook string) error {
	if err := f.rdb.Del(ctx, filterErrorsKey(webhook)).Err(); err != nil {
		return fmt.Errorf("forget errors of a filter in redis: %w", err)
	}
	return nil
}

// FilterErrors returns what was reported of webhooks, in their order; the Count
// of one of which nothing was is 0.
func (f *FilterErrors) FilterErrors(ctx context.Context, webhooks []string) ([]hook.FilterError, error) {
	if len(webhooks) == 0 {
		return nil, nil
	}
	commands := make([]*redis.MapStringStringCmd, len(webhooks))
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, webhook := range webhooks {
			commands[i] = p.HGetAll(ctx, filterErrorsKey(webhook))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read errors of filters from redis: %w", err)
	}
	found := make([]hook.FilterError, len(webhooks))
	for i, command := range commands {
		fields := command.Val()
		found[i] = hook.FilterError{Webhook: webhooks[i], Event: fields[fieldEvent], Message: fields[fieldMessage]}
		// What somebody else wrote there counts as nothing.
		found[i].Count, _ = strconv.ParseInt(fields[fieldCount], 10, 64)
		if ms, err := strconv.ParseInt(fields[fieldAt], 10, 64); err == nil {
			found[i].At = time.UnixMilli(ms).UTC()
		}
	}
	return found, nil
}
