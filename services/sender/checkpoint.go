package sender

import (
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender/gate"
)

const (
	// saveInterval is how often a gate that changes is saved: a takeover reads so
	// much more of attempts and the tiers. It grows with what is in the gate, by a
	// second for savePace deliveries, so that saving costs about 1.5 MB/s at most.
	saveInterval = 2 * time.Second
	savePace     = 10_000
	// resaveInterval is how often one is saved that does not change: the topic keeps
	// its records for a week.
	resaveInterval = 24 * time.Hour
	// maxPart bounds a part of a checkpoint, in bytes: well below what Kafka takes.
	maxPart = 512 << 10
	// gateSweep is how often the gate forgets what is gone.
	gateSweep = time.Minute
)

// checkpoint is what of a partition's gate is in the topic gates. What has changed
// since is in attempts and the tiers, at or behind since.
type checkpoint struct {
	mu sync.Mutex
	// version is the gate's at the time.
	version int64
	since   positions // nil: as the commit's
	span    bus.Span
	id      uint64
	at      time.Time
	saving  bool
	swept   time.Time
}

// note begins the note of a commit. since is where the topics ended when the oldest
// open task was handed out; version is the gate's, asked after that.
func (c *checkpoint) note(since positions, version func() int64) note {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := note{since: since, gate: c.span, saved: c.id}
	switch {
	case version() == c.version:
		c.since = since // it shows the gate as it is
	case c.since != nil:
		n.since = since.least(c.since)
	}
	return n
}

// sweeps reports whether it is time to look for what is gone.
func (c *checkpoint) sweeps(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.swept) < gateSweep {
		return false
	}
	c.swept = now
	return true
}

// begin reports whether it is time to save so many deliveries of the gate.
func (c *checkpoint) begin(version, deliveries int64, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := now.Sub(c.at)
	fresh := version == c.version && (c.span == (bus.Span{}) || age < resaveInterval)
	if c.saving || fresh || age < saveInterval+time.Duration(deliveries/savePace)*time.Second {
		return false
	}
	c.saving = true
	return true
}

// end notes a checkpoint whose parts are durable; failed leaves the one before.
func (c *checkpoint) end(next *checkpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saving = false
	if next != nil {
		c.version, c.since, c.span, c.id, c.at = next.version, next.since, next.span, next.id, next.at
	}
}

// saveGate writes a checkpoint if the last one is too old.
//
// A delivery leaves the gate before its record counts as done. So one that is in
// the checkpoint although its fate is in attempts was open when since was asked,
// and its fate is behind that: whoever takes over reads it.
func (o *owner) saveGate(now time.Time) {
	if !o.isKnown() || !o.saved.begin(o.gate.Version(), o.service.room.Entries(), now) {
		return
	}
	next := &checkpoint{since: o.openSince(), at: now}
	all, version := o.gate.Save()
	next.version = version
	if len(all) == 0 {
		o.saved.end(next)
		return
	}
	next.id = rand.Uint64()
	records, err := o.parts(next.id, all)
	if err != nil {
		o.service.Log.Error("the gate cannot be saved: a takeover has more to read", zap.Error(err))
		o.saved.end(nil)
		return
	}
	go o.writeParts(next, records)
}

// isKnown reports whether the partition's past has been read.
func (o *owner) isKnown() bool {
	select {
	case <-o.known:
		return true
	default:
		return false
	}
}

// writeParts writes a checkpoint.
func (o *owner) writeParts(next *checkpoint, records []bus.Record) {
	type answer struct {
		at  hook.Coordinates
		err error
	}
	answers := make(chan answer, len(records))
	for _, r := range records {
		if err := o.service.producer.Produce(o.ctx, r, func(at hook.Coordinates, err error) { answers <- answer{at, err} }); err != nil {
			answers <- answer{err: err}
		}
	}
	var failed error
	for i := range records {
		var a answer
		select {
		case a = <-answers:
		case <-o.ctx.Done():
			return
		}
		switch {
		case a.err != nil:
			failed = a.err
		case i == 0 || next.span.From > a.at.Offset:
			next.span.From = a.at.Offset
		}
		next.span.To = max(next.span.To, a.at.Offset+1)
	}
	if failed != nil {
		o.service.Log.Warn("the gate was not saved; trying again", zap.Error(failed))
		next = nil
	}
	o.saved.end(next)
	o.service.passes(Saved, nil)
}

// parts divides a checkpoint into records.
func (o *owner) parts(id uint64, all []gate.Saved) (records []bus.Record, err error) {
	part, size := &deliveryv1.Checkpoint{Id: id}, 0
	flush := func() error {
		value, err := proto.Marshal(part)
		records = append(records, bus.Record{Topic: bus.Gates, Partition: o.partition, Value: value})
		part, size = &deliveryv1.Checkpoint{Id: id}, 0
		return err
	}
	for i := range all {
		e := entryOf(&all[i])
		n := proto.Size(e)
		if size > 0 && size+n > maxPart {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		part.Entries, size = append(part.Entries, e), size+n
	}
	return records, flush()
}
