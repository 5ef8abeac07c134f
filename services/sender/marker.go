package sender

import (
	"context"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
)

// markInterval is how soon the owner of a partition that has just been taken over
// marks the webhooks that are resuming already.
const markInterval = time.Second

// markAgain is how soon a webhook that is still resuming is marked again. A marker
// can be lost after it was acknowledged: a recorder from before there were markers
// takes it for a fault, or attempts was made anew. Without it the resumption, and all
// that is held, would wait until something else of the account changes.
const markAgain = time.Minute

// marking is when a webhook was marked last, and with which version.
type marking struct {
	version int64
	at      time.Time
}

// covers reports whether a marker need not be written now.
func (m marking) covers(version int64, now time.Time) bool {
	return m.version >= version && now.Sub(m.at) < markAgain
}

// resumptions are the accounts with webhooks that are resuming, as the snapshot
// has them.
type resumptions struct {
	changed chan struct{}

	mu       sync.Mutex
	accounts map[string]*Account
}

func newResumptions() resumptions {
	return resumptions{changed: make(chan struct{}, 1), accounts: map[string]*Account{}}
}

// Kept takes note of an account as the snapshot has it from now on. It is to be
// called once Snapshot.Account returns it.
func (s *Service) Kept(a *Account) {
	r := &s.resuming
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(a.resuming) == 0 {
		delete(r.accounts, a.id)
		return
	}
	r.accounts[a.id] = a
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// all are the markers that say what is known.
func (r *resumptions) all() (markers []hook.Marker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, a := range r.accounts {
		for _, webhook := range a.resuming {
			markers = append(markers, hook.Marker{Account: id, Webhook: webhook, Version: a.version})
		}
	}
	return markers
}

// markEvery writes a marker to attempts for each webhook that is resuming, until
// ctx ends. What is held is released only then, so that a sender which has not
// heard of the resumption (Redis being away) does not hold it again, and the
// resumption does not end while it still holds what comes (DESIGN.md, "Health of a
// webhook").
func (s *Service) markEvery(ctx context.Context) {
	ticker := time.NewTicker(markInterval)
	defer ticker.Stop()
	for {
		for _, m := range s.resuming.all() {
			if o := s.owner(bus.PartitionOf([]byte(m.Webhook), s.Partitions)); o != nil {
				o.mark(ctx, m, time.Now())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.resuming.changed:
		case <-ticker.C:
		}
	}
}

// mark writes a marker, unless this owner has. One that is lost with the partition
// is written by its next owner, which marks anew. It waits for room no longer than
// ctx, since the generation does not end before.
func (o *owner) mark(ctx context.Context, m hook.Marker, now time.Time) {
	select {
	case <-o.known:
	default:
		return // it begins; at the next tick
	}
	if o.marked[m.Webhook].covers(m.Version, now) {
		return
	}
	if !o.service.lease.holds() {
		return // the partition may be somebody's who has not heard
	}
	o.marked[m.Webhook] = marking{version: m.Version, at: now}
	o.produce(ctx, bus.Record{
		Topic: bus.Attempts, Partition: o.partition, Key: []byte(m.Webhook), Value: journal.EncodeMarker(m),
	}, func() {}, func() {})
}
