package sender

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
)

// commitEvery commits until ctx ends. A commit is also the lease, so one goes
// out if nothing has changed.
func (s *Service) commitEvery(ctx context.Context, a *bus.Assignment) {
	tick := time.NewTicker(commitInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.commit(ctx, a); err != nil && ctx.Err() == nil {
				s.Log.Warn("commit failed; trying again", zap.Error(err))
			}
		}
	}
}

// commit commits the watermarks that moved, and those of deliveries always, each
// with its note.
func (s *Service) commit(ctx context.Context, a *bus.Assignment) error {
	sent := time.Now()
	offsets := map[string]map[int]bus.Committed{}
	s.mu.Lock()
	owners := make(map[int]*owner, len(s.owners))
	for p, o := range s.owners {
		owners[p] = o
		for topic, at := range o.position() {
			if offsets[topic] == nil {
				offsets[topic] = map[int]bus.Committed{}
			}
			offsets[topic][p] = at
		}
	}
	s.mu.Unlock()
	if len(offsets) == 0 {
		return nil // which proves nothing
	}
	if err := a.Commit(ctx, offsets); err != nil {
		return err
	}
	s.lease.renew(sent, a.Session)
	s.passes(Committed, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, partitions := range offsets {
		for p, at := range partitions {
			at.At = sent
			owners[p].committed[topic] = at
		}
	}
	return nil
}

// openSince is where the partition's topics ended when the oldest task that is
// open was handed out.
func (o *owner) openSince() positions {
	// In this order: of a record that is handed out in between nothing was written
	// before since.
	now := o.ends.share()
	if since, ok := o.handed.since(); ok {
		now = since
	}
	if p := o.past.Load(); p != nil {
		// What was open at an owner before may be met again later.
		now = now.least(p.since)
	}
	return now
}

// position is what is to be committed for the partition; nothing while it is not
// known what owners before have done, since the last commit tells that.
func (o *owner) position() map[string]bus.Committed {
	select {
	case <-o.known:
	default:
		return nil
	}
	n := o.saved.note(o.openSince(), o.gate.Version)
	moved := map[string]bus.Committed{}
	for topic, tracker := range o.trackers {
		at := max(tracker.Watermark(), 0) // an empty topic has no position yet
		if topic == bus.Deliveries {
			n.done = tracker.Spans(maxSpans)
			moved[topic] = bus.Committed{Offset: at, Metadata: n.encode(at)}
		} else if at != o.committed[topic].Offset {
			moved[topic] = bus.Committed{Offset: at}
		}
	}
	return moved
}
