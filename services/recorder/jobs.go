package recorder

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// jobs are what people asked for and is under way here, each by itself, by its id.
type jobs struct {
	log *zap.Logger
	// kind is what they are, for the log: "replay".
	kind string
	// most is how many run at a time.
	most int
	all  map[string]*job
}

// job is one of them.
type job struct {
	cancel  context.CancelFunc
	ended   chan struct{}
	failing bool // the last time that it ran ended with a fault
}

func newJobs(log *zap.Logger, kind string, most int) *jobs {
	return &jobs{log: log, kind: kind, most: most, all: make(map[string]*job)}
}

// retain ends those that are to run no more, and waits for their ends.
func (j *jobs) retain(wanted func(id string) bool) {
	for id, one := range j.all {
		if !wanted(id) {
			one.cancel()
			delete(j.all, id)
			<-one.ended
		}
	}
}

// begin lets one run, unless it does or there is no room: one that ended with a fault
// begins anew from where it was. run ends with its context, or with hook.ErrStale if
// somebody else has it.
func (j *jobs) begin(ctx context.Context, id string, run func(context.Context) error) {
	before := j.all[id]
	if before == nil && len(j.all) >= j.most {
		return
	}
	if before != nil {
		select {
		case <-before.ended:
		default:
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	one := &job{cancel: cancel, ended: make(chan struct{})}
	j.all[id] = one
	failed := before != nil && before.failing
	go func() {
		defer close(one.ended)
		defer cancel()
		err := run(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, hook.ErrStale):
			j.log.Info("a "+j.kind+" is somebody else's by now", zap.String(j.kind, id))
		default:
			one.failing = true
			if !failed {
				j.log.Warn("a "+j.kind+" failed, trying again", zap.String(j.kind, id), zap.Error(err))
			}
		}
	}()
}

// wait waits for all ends.
func (j *jobs) wait() {
	for _, one := range j.all {
		<-one.ended
	}
}
