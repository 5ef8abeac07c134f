package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Circuits holds what the senders' breakers are like, for people to see. Nothing
// depends on it.
type Circuits struct{ rdb redis.UniversalClient }

// NewCircuits reads and writes through the client.
func NewCircuits(c *Client) *Circuits { return &Circuits{rdb: c.rdb} }

func circuitKey(webhook string) string { return "staffetta:circuit:" + webhook }

// Circuit is the state of one webhook's breaker.
type Circuit struct {
	Webhook string
	// State is "open" or "half_open"; "closed" is what is not there.
	State string
	// For is how long the state may last: whoever wrote it may die meanwhile.
	For time.Duration
}

// Report writes states.
func (c *Circuits) Report(ctx context.Context, states []Circuit) error {
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, s := range states {
			if s.State == "closed" {
				p.Del(ctx, circuitKey(s.Webhook))
				continue
			}
			p.Set(ctx, circuitKey(s.Webhook), s.State, s.For)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("report circuits to redis: %w", err)
	}
	return nil
}

// Circuits returns the states of webhooks, in their order.
func (c *Circuits) Circuits(ctx context.Context, webhooks []string) ([]string, error) {
	if len(webhooks) == 0 {
		return nil, nil
	}
	commands := make([]*redis.StringCmd, len(webhooks))
	// One GET each in place of MGET: in a Redis Cluster they lie apart. A
	// key that is absent makes the pipeline say redis.Nil.
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, webhook := range webhooks {
			commands[i] = p.Get(ctx, circuitKey(webhook))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read circuits from redis: %w", err)
	}
	states := make([]string, len(webhooks))
	for i, command := range commands {
		if states[i] = command.Val(); states[i] == "" {
			states[i] = "closed"
		}
	}
	return states, nil
}
