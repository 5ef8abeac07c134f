package bus

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

// coordinators remembers which broker keeps which group, until that one
// reports any error: a heartbeat that looked for it each time would depend on
// two brokers instead of one.
type coordinators struct {
	mu      sync.Mutex
	brokers map[string]int32 // by group
}

func (c *coordinators) known(group string) (int32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	broker, ok := c.brokers[group]
	return broker, ok
}

func (c *coordinators) learn(group string, broker int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.brokers == nil {
		c.brokers = make(map[string]int32)
	}
	c.brokers[group] = broker
}

func (c *coordinators) forget(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.brokers, group)
}

// coordinator finds the broker that keeps a group.
func (c *Client) coordinator(ctx context.Context, group string) (int32, error) {
	if broker, ok := c.coordinators.known(group); ok {
		return broker, nil
	}
	answer, err := expect[*findcoordinator.Response](c.do(ctx, anyBroker, &findcoordinator.Request{Key: group}))
	if err == nil {
		err = answered(answer.ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("coordinator of group %q: %w", group, err)
	}
	c.coordinators.learn(group, answer.NodeID)
	return answer.NodeID, nil
}

// ask sends a request to the coordinator of a group, within timeout in all.
// Its error is only of the way there; what the coordinator says is in the
// answer.
func (c *Client) ask(ctx context.Context, group string, req protocol.Message, timeout time.Duration) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	broker, err := c.coordinator(ctx, group)
	if err != nil {
		return nil, err
	}
	answer, err := c.doWithin(ctx, timeout, broker, req)
	if err != nil || reportsError(answer) {
		c.coordinators.forget(group)
	}
	return answer, err
}

// reportsError tells whether there is any error in a coordinator's answer that
// does not belong to the course of joining.
func reportsError(m protocol.Message) bool {
	for code := range codes(m) {
		switch kafka.Error(code) {
		case 0, kafka.MemberIDRequired, kafka.RebalanceInProgress:
		default:
			return true
		}
	}
	return false
}

// codes are the error codes of a coordinator's answer.
func codes(m protocol.Message) iter.Seq[int16] {
	return func(yield func(int16) bool) {
		switch answer := m.(type) {
		case *heartbeat.Response:
			yield(answer.ErrorCode)
		case *joingroup.Response:
			yield(answer.ErrorCode)
		case *syncgroup.Response:
			yield(answer.ErrorCode)
		case *leavegroup.Response:
			yield(answer.ErrorCode)
		case *offsetcommit.Response:
			for _, t := range answer.Topics {
				for _, p := range t.Partitions {
					if !yield(p.ErrorCode) {
						return
					}
				}
			}
		case *offsetfetch.Response:
			if !yield(answer.ErrorCode) {
				return
			}
			for _, t := range answer.Topics {
				for _, p := range t.Partitions {
					if !yield(p.ErrorCode) {
						return
					}
				}
			}
		}
	}
}
