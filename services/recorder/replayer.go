package recorder

import (
	"context"
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
	jobs     *jobs
	failing  bool
}

func newReplayer(s *Service, producer *bus.Producer, tails map[int]*tail) *replayer {
	return &replayer{service: s, producer: producer, tails: tails, jobs: newJobs(s.Log, "replay", maxJobs)}
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
	r.jobs.wait()
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
	r.jobs.retain(func(id string) bool { return mine[id] })
	for i := range running {
		if replay := running[i]; mine[replay.ID] {
			t := r.tails[r.leader(&replay)]
			r.jobs.begin(ctx, replay.ID, func(ctx context.Context) error {
				return newReplaying(r.service, r.producer, t, replay).run(ctx)
			})
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
