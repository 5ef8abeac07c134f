package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// GroupConfig describes a consumer group.
type GroupConfig struct {
	ID     string
	Topics []string
	// SessionTimeout is how long a member may be silent before its partitions
	// go to others. Default: the client's; Kafka takes 6 s at least by its own
	// default.
	SessionTimeout time.Duration
	// HeartbeatInterval is how often a member speaks, and about how long it
	// takes to hear of a rebalance. Default a fifth of the session timeout.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the others wait for a member whose handler
	// has not returned yet. Default 30 s.
	RebalanceTimeout time.Duration
	// Log gets what happens to the membership. Default: the client's.
	Log *zap.Logger
}

// Group is a member of a consumer group in which one member owns the same
// partition numbers of every topic.
type Group struct {
	client *Client
	cfg    GroupConfig
	log    *zap.Logger
}

// maxJoinBackoff bounds the wait between two tries to join.
const maxJoinBackoff = time.Second

// NewGroup checks the configuration; Run joins. Its error is hook.Invalid.
func (c *Client) NewGroup(cfg GroupConfig) (*Group, error) {
	cfg.SessionTimeout = cmp.Or(cfg.SessionTimeout, c.cfg.SessionTimeout, 10*time.Second)
	cfg.HeartbeatInterval = cmp.Or(cfg.HeartbeatInterval, cfg.SessionTimeout/5)
	cfg.RebalanceTimeout = cmp.Or(cfg.RebalanceTimeout, 30*time.Second)
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	var invalid hook.Invalid
	if cfg.ID == "" {
		invalid.Add("group.id", "", "must be set")
	}
	if len(cfg.Topics) == 0 {
		invalid.Add("group.topics", "", "must name at least one")
	}
	if cfg.HeartbeatInterval <= 0 || cfg.HeartbeatInterval > cfg.SessionTimeout/2 {
		invalid.Add("group.heartbeatInterval", cfg.HeartbeatInterval.String(), "must be at most half of the session timeout, "+cfg.SessionTimeout.String())
	}
	if err := invalid.Err(); err != nil {
		return nil, err
	}
	return &Group{client: c, cfg: cfg, log: cfg.Log.With(zap.String("group", cfg.ID))}, nil
}

// Run joins the group and calls handle for each generation. The context of
// handle ends when the partitions are revoked; context.Cause tells ErrRevoked
// from ErrSessionLost from the end of ctx. The group waits for handle to
// return: it makes its last commit before, and returns soon.
//
// Run returns nil when ctx has ended, the error of handle, or one that does not
// pass, and has always left the group then. Faults of the coordinator are tried
// again. An error of handle that comes from the end of its context is none.
func (g *Group) Run(ctx context.Context, handle func(ctx context.Context, a *Assignment) error) error {
	m := &member{client: g.client, cfg: g.cfg, generation: -1}
	defer func() {
		if err := m.leave(ctx); err != nil {
			g.log.Warn("left the group without its knowing", zap.Error(err))
		}
	}()
	wait := minBackoff
	for ctx.Err() == nil {
		a, err := m.join(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait = minBackoff
			g.log.Info("joined", zap.Int("generation", a.Generation), zap.Ints("partitions", m.owned))
			if err := g.generation(ctx, m, a, handle); err != nil {
				return err
			}
			continue
		case errors.Is(err, kafka.UnknownMemberId):
			m.id = ""
		case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.IllegalGeneration):
		case !passing(err):
			return err
		}
		g.log.Warn("joining failed, trying again", zap.Error(err))
		if pause(ctx, wait) != nil {
			return nil
		}
		wait = min(2*wait, maxJoinBackoff)
	}
	return nil
}

// generation runs the handler and the heartbeats, which go on until it has
// returned. It returns an error of the handler's own making.
func (g *Group) generation(ctx context.Context, m *member, a *Assignment, handle func(ctx context.Context, a *Assignment) error) error {
	handling, revoke := context.WithCancelCause(ctx)
	defer revoke(nil)
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		g.beat(beating, m, revoke)
	}()
	err := handle(handling, a)
	stop()
	<-beats
	if errors.Is(context.Cause(handling), ErrSessionLost) {
		m.id = ""
	}
	if err != nil && handling.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(handling))) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("group %q: %w", g.cfg.ID, err)
	}
	return nil
}

// beat keeps the membership until ctx ends, and revokes when the group
// rebalances or the membership is lost.
func (g *Group) beat(ctx context.Context, m *member, revoke context.CancelCauseFunc) {
	alive := time.Now()
	next := g.cfg.HeartbeatInterval
	for pause(ctx, next) == nil {
		err := m.beat(ctx)
		next = g.cfg.HeartbeatInterval
		switch {
		case err == nil:
			alive = time.Now()
		case ctx.Err() != nil:
			return
		case errors.Is(err, kafka.RebalanceInProgress):
			alive = time.Now()
			revoke(ErrRevoked)
		case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.FencedInstanceID):
			g.log.Warn("membership is lost", zap.Error(err))
			revoke(ErrSessionLost)
			return
		default:
			g.log.Warn("heartbeat failed", zap.Error(err))
			if time.Since(alive) > g.cfg.SessionTimeout {
				revoke(ErrSessionLost)
				return
			}
			next = min(next, g.cfg.SessionTimeout/10)
		}
	}
}
