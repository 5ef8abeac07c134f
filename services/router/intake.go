package router

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/notice"
	"github.com/staffetta/staffetta/pkg/origin"
)

// intake routes the records of one partition of an event topic, in order.
type intake struct {
	service   *Service
	topic     string
	partition int
	notices   bool // its records are notices of ours, not events of upstream
	producer  *bus.Producer
	bundler   *Bundler
	tracing   tracing
	fail      context.CancelCauseFunc
	tracker   *bus.Tracker
	// committed belongs to whoever commits.
	committed int64

	inbox     *inbox
	waiting   *waiting
	sightings *sightings
	// synced names an account whose records waited long enough.
	synced chan string
}

// unrouted is a record that was read, and what the tracker knows it by.
type unrouted struct {
	record *bus.Record
	mark   bus.Mark
}

func (in *intake) run(ctx context.Context) {
	defer in.waiting.leave()
	for {
		filled := in.inbox.filled
		if in.waiting.full() {
			filled = nil
		}
		select {
		case <-ctx.Done():
			return
		case account := <-in.synced:
			in.release(ctx, account)
		case <-filled:
			if batch, ok := in.inbox.take(); ok {
				in.route(ctx, batch)
			}
		}
	}
}

func (in *intake) route(ctx context.Context, batch bus.Batch) {
	if batch.Reset {
		in.service.metrics.resets.Inc()
		in.service.Log.Error("reading goes on elsewhere: events expired unread, the topic was made anew, or it lost its end",
			zap.String("topic", in.topic), zap.Int("partition", in.partition), zap.Int64("next", batch.Next))
		in.tracker.Reset(batch.Start())
	}
	in.sightings.begin(time.Now())
	for i := range batch.Records {
		if ctx.Err() != nil {
			return
		}
		record := &batch.Records[i]
		u := unrouted{record: record, mark: in.tracker.Start(record.Offset)}
		in.service.metrics.events.Inc()
		if event, ok := in.decode(ctx, u); ok {
			in.match(ctx, u, &event)
		}
	}
	in.tracker.Advance(batch.Next)
}

// decode reads the event, or puts the record into quarantine.
func (in *intake) decode(ctx context.Context, u unrouted) (event hook.Event, ok bool) {
	var err error
	if in.notices {
		event, err = notice.Decode(u.record)
	} else {
		event, err = origin.Decode(u.record)
	}
	if err == nil {
		return event, true
	}
	reason := reasonUndecodable
	var reject *codec.Reject
	if errors.As(err, &reject) {
		reason = string(reject.Reason)
	}
	in.reject(ctx, u, reason, err.Error())
	return hook.Event{}, false
}
