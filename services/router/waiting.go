package router

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// maxWaiting bounds the records that wait for a newer snapshot, and so the
// calls of Sync; their bytes are bounded by the inbox's room. Beyond either the
// partition waits, so that a flood for unknown accounts while Redis is away
// stays in Kafka.
const maxWaiting = 1000

// waiting holds the records of accounts that are unknown until the snapshot is
// known to be newer than they. Others go on meanwhile.
type waiting struct {
	room     int // bytes
	shown    prometheus.Gauge
	accounts map[string]*queue
	records  int
	bytes    int
}

// queue is what waits for one account. The first covered of its records came
// before the Sync under way began.
type queue struct {
	records []unrouted
	covered int
}

func newWaiting(room int, shown prometheus.Gauge) *waiting {
	return &waiting{room: room, shown: shown, accounts: map[string]*queue{}}
}

func (w *waiting) full() bool { return w.records >= maxWaiting || w.bytes >= w.room }

// add puts a record behind those of its account; first tells that there were
// none.
func (w *waiting) add(account string, u unrouted) (q *queue, first bool) {
	q = w.accounts[account]
	if q == nil {
		first = true
		q = &queue{}
		w.accounts[strings.Clone(account)] = q // it is part of the fetched record
	}
	own := clone(*u.record)
	u.record = &own
	q.records = append(q.records, u)
	w.records++
	w.shown.Inc()
	w.bytes += bytesOf(own)
	return q, first
}

// remove takes the first n records of an account; q is nil if none are left.
func (w *waiting) remove(account string, n int) (ready []unrouted, q *queue) {
	q = w.accounts[account]
	ready, q.records = q.records[:n], q.records[n:]
	w.records -= n
	w.shown.Sub(float64(n))
	for i := range ready {
		w.bytes -= bytesOf(*ready[i].record)
	}
	if len(q.records) == 0 {
		delete(w.accounts, account)
		return ready, nil
	}
	return ready, q
}

// leave ends the wait of all: they are read again by whoever has the partition next.
func (w *waiting) leave() { w.shown.Sub(float64(w.records)) }

// clone gives a record memory of its own: a fetched one keeps its neighbours'
// alive.
func clone(r bus.Record) bus.Record {
	r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	for i := range r.Headers {
		r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
	}
	return r
}

// match routes an event whose account is known, and lets others wait.
func (in *intake) match(ctx context.Context, u unrouted, event *hook.Event) {
	if _, behind := in.waiting.accounts[event.Account]; !behind {
		if index, known := in.service.Snapshot.Account(event.Account); known {
			in.deliver(ctx, u, event, index)
			return
		}
	}
	if q, first := in.waiting.add(event.Account, u); first {
		in.sync(ctx, event.Account, q)
	}
}

// sync makes sure that the snapshot is newer than all that waits by now.
func (in *intake) sync(ctx context.Context, account string, q *queue) {
	q.covered = len(q.records)
	go func() {
		if err := in.service.Snapshot.Sync(ctx); err != nil {
			return // only when ctx ends: the records stay uncommitted
		}
		select {
		case in.synced <- account:
		case <-ctx.Done():
		}
	}()
}

// release routes what waited for an account. If it is still absent, it is
// unknown to those records that came before the snapshot was read; the others
// wait for one more.
func (in *intake) release(ctx context.Context, account string) {
	q := in.waiting.accounts[account]
	index, known := in.service.Snapshot.Account(account)
	n := len(q.records)
	if !known {
		n = q.covered
	}
	ready, rest := in.waiting.remove(account, n)
	for _, u := range ready {
		// Its first decoding was not kept: it shares the fetched memory.
		event, ok := in.decode(ctx, u)
		switch {
		case !ok:
		case known:
			in.deliver(ctx, u, &event, index)
		default:
			in.unknown(ctx, u, account)
		}
	}
	if rest != nil {
		in.sync(ctx, account, rest)
	}
}
