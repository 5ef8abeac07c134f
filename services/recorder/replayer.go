package recorder

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxJobs is how many replays a member runs at a time: with up to 24 MiB each,
// half a GiB.
const maxJobs = 20

// replayer runs the replays of this member's partitions, each by itself: those
// of which the partition of the webhook whose log or subscription leads is its
// own. So one member runs a replay; should two for a moment, while partitions
// move, the revision in SQL stops one of them, and what both wrote has the same
// deliveries and the same run.
type replayer struct {
	service  *Service
	producer *bus.Producer
	tails    map[int]*tail
	jobs     map[string]*job // by replay
	failing  bool
}

// job is a replay that is under way here.
type job struct {
	cancel  context.CancelFunc
	ended   chan struct{}
	failing bool // the last time that it ran ended with a fault
}

func newReplayer(s *Service, producer *bus.Producer, tails map[int]*tail) *replayer {
	return &replayer{service: s, producer: producer, tails: tails, jobs: make(map[string]*job)}
}

// run ends with ctx, once every replay has noted how far it is.
func (r *replayer) run(ctx context.Context) {
	ticker := time.NewTicker(roundInterval)
	defer ticker.Stop()
	for {
		err := r.round(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil && !r.failing {
			r.service.Log.Warn("looking for replays failed, trying again", zap.Error(err))
		}
		r.failing = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	for _, j := range r.jobs {
		<-j.ended
	}
}

// round ends what is to run no more: it was cancelled; and begins what is to run and
// is not running, oldest first, as long as there is room: the others wait.
func (r *replayer) round(ctx context.Context) error {
	running, err := r.service.Store.RunningReplays(ctx)
	if err != nil {
		return err
	}
	mine := make(map[string]bool)
	for i := range running {
		mine[running[i].ID] = r.tails[r.leader(&running[i])] != nil
	}
	for id, j := range r.jobs {
		if !mine[id] {
			j.cancel()
			delete(r.jobs, id)
			<-j.ended
		}
	}
	for i := range running {
		id := running[i].ID
		if mine[id] && (r.jobs[id] != nil || len(r.jobs) < maxJobs) {
			r.begin(ctx, running[i], r.tails[r.leader(&running[i])])
		}
	}
	return nil
}

// leader is the partition whose owner runs a replay.
func (r *replayer) leader(replay *hook.Replay) int {
	webhook := replay.Source
	if webhook == "" {
		webhook = replay.Webhook
	}
	return bus.PartitionOf([]byte(webhook), r.service.Partitions)
}

// begin lets a replay run, unless it does: one that ended with a fault begins
// anew from where it was.
func (r *replayer) begin(ctx context.Context, replay hook.Replay, t *tail) {
	before := r.jobs[replay.ID]
	if before != nil {
		select {
		case <-before.ended:
		default:
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	j := &job{cancel: cancel, ended: make(chan struct{})}
	r.jobs[replay.ID] = j
	failed := before != nil && before.failing
	go func() {
		defer close(j.ended)
		defer cancel()
		err := newReplaying(r.service, r.producer, t, replay).run(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, hook.ErrStale):
			r.service.Log.Info("a replay is somebody else's by now", zap.String("replay", replay.ID))
		default:
			j.failing = true
			if !failed {
				r.service.Log.Warn("a replay failed, trying again", zap.String("replay", replay.ID), zap.Error(err))
			}
		}
	}()
}
