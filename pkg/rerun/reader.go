package rerun

import (
	"context"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// near is how many offsets lie between two deliveries that are worth reading
// together: what was published at once was written in large batches, of which a
// broker sends no parts, and the deliveries of a busy webhook lie side by side.
const near = 200

// Reader reads the payloads of many deliveries of one partition, with few requests
// if they come about in the order of their bundles. It keeps what came with the
// last one: 256 KiB, or a batch. One goroutine uses it.
type Reader struct {
	client *bus.Client
	// kept are records one behind the other, from the last one that was wanted.
	kept []bus.Record
	last hook.Coordinates
}

// NewReader makes one.
func NewReader(client *bus.Client) *Reader { return &Reader{client: client} }

// Read is Read.
func (r *Reader) Read(ctx context.Context, d *hook.Delivery) (Payload, error) {
	record, err := r.record(ctx, d.Bundle)
	if err != nil {
		return Payload{}, err
	}
	return in(&record, d)
}

func (r *Reader) record(ctx context.Context, at hook.Coordinates) (bus.Record, error) {
	together := r.last.Topic == at.Topic && r.last.Partition == at.Partition &&
		at.Offset >= r.last.Offset && at.Offset <= r.last.Offset+near
	r.last = at
	for i := range r.kept {
		if r.kept[i].At() == at {
			r.kept = r.kept[i:]
			return r.kept[0], nil
		}
	}
	if !together {
		r.kept = nil
		return r.client.ReadAt(ctx, at)
	}
	kept, err := r.client.ReadFrom(ctx, at)
	if err != nil {
		return bus.Record{}, err
	}
	r.kept = kept
	return kept[0], nil
}
