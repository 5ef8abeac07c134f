package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
)

// maxRedrives is how many redrives a member runs at a time: with up to 32 MiB each, a
// third of a GiB.
const maxRedrives = 10

// redriver runs the redrives of this member, each by itself: those whose id leads to a
// partition of attempts that is its own. So one member runs a redrive; should two for a
// moment, while partitions move, the revision in SQL stops one of them, and what both
// sent was sent twice.
type redriver struct {
	service *Service
	tails   map[int]*tail
	jobs    *jobs
	failing bool
}

func newRedriver(s *Service, tails map[int]*tail) *redriver {
	return &redriver{service: s, tails: tails, jobs: newJobs(s.Log, "redrive", maxRedrives)}
}

// run ends with ctx, once every redrive has noted how far it is.
func (r *redriver) run(ctx context.Context) {
	ticker := time.NewTicker(roundInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		err := r.round(ctx)
		if err != nil && !r.failing && ctx.Err() == nil {
			r.service.Log.Warn("looking for redrives failed, trying again", zap.Error(err))
		}
		r.failing = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	r.jobs.wait()
}

// round ends what is to run no more: it was cancelled; and begins what is to run and is
// not running, oldest first, as long as there is room: the others wait.
func (r *redriver) round(ctx context.Context) error {
	running, err := r.service.Store.RunningRedrives(ctx)
	if err != nil {
		return err
	}
	mine := make(map[string]bool)
	for i := range running {
		id := running[i].ID
		mine[id] = r.tails[bus.PartitionOf([]byte(id), r.service.Partitions)] != nil
	}
	r.jobs.retain(func(id string) bool { return mine[id] })
	for i := range running {
		if redrive := running[i]; mine[redrive.ID] {
			r.jobs.begin(ctx, redrive.ID, func(ctx context.Context) error { return newRedriving(r.service, redrive).run(ctx) })
		}
	}
	return nil
}
