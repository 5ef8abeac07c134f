package sender

import (
	"bytes"
	"container/list"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// identity names a task: whoever meets it twice has met a twin.
type identity struct {
	delivery string
	run      int64
	step     int
}

// task is one delivery of one run, between two writes to Kafka.
type task struct {
	identity
	account string
	webhook string
	// item is the index in its event of the one item that the delivery is about,
	// plus 1; the event here has it alone. 0: it is about all.
	item int
	// attempts is the number of requests of this run so far.
	attempts int
	// change is the event as it travels, a deliveryv1.Change encoded; nil if it has
	// to be read at bundle.
	change []byte
	// event is the change decoded, in its memory, with only the items that the
	// webhook gets; nil with it.
	event *hook.Event
	// items are those, by their places in the change; nil: all.
	items hook.Selection
	// bundle is where the payload lives.
	bundle hook.Coordinates
	// bytes is the size of the change, also while it is not here.
	bytes int
	// finished is called once when the task's fate is durable.
	finished func()
	// reserved is the start of the quota period from which the task has taken its
	// call already; zero: none.
	reserved time.Time
	// taken is the period of the call that was taken for the request under way.
	taken time.Time

	// passage is what the gate has to do with it; nil: nothing.
	passage *passage

	// since is when the task was due, or got to deliveries.
	since time.Time
	// from is the tier that it was read from; empty: deliveries.
	from string
	// before is the traceparent of the record's writing in a tier, if somebody records
	// it; work is the span of the task's processing, once it is tried.
	before string
	work   atomic.Pointer[trace.Span]

	owner *owner
	// handed belongs to the memory.
	handed handedOut
	// charged says that it holds a part of the budget.
	charged bool
	// final says that the fate that is being written ends the run.
	final bool
	// kept says that the fate that is being written is held.
	kept bool
	// booked says that the task is parked until its place in the lane.
	booked bool
	// test says that somebody tries the webhook out; see tests.
	test bool
	// over is set once the task is finished or dropped.
	over atomic.Bool
	// lane and running are where the task is started, probing whether it holds a
	// part of what probes may hold. They belong to the lane.
	lane    *lane
	queued  time.Time
	running *list.Element
	probing bool
	// overQuota says that it was deferred for the quota before, which usage counts
	// once.
	overQuota bool
	// volley is that of its request, and opening the one of the breaker that it met;
	// see volleys.
	volley, opening int64
}

// ofBundle gives the tasks of a record of deliveries. finished is called when
// the fate of every one of them is durable.
func ofBundle(r bus.Record, finished func()) ([]*task, error) {
	b, err := codec.ReadBundle(r.Value)
	if err != nil {
		return nil, fmt.Errorf("record of deliveries is no bundle: %w", err)
	}
	if b.Count == 0 {
		return nil, errors.New("bundle has no webhooks")
	}
	// The record shares its memory with others, and with up to 1,000 ids: the slowest
	// of the tasks is to keep none of that.
	b.Change = bytes.Clone(b.Change)
	var room [1]codec.Part
	parts, err := b.AppendParts(room[:0])
	if err != nil {
		return nil, fmt.Errorf("record of deliveries is no bundle: %w", err)
	}
	selections, err := b.Selections()
	if err != nil {
		return nil, fmt.Errorf("record of deliveries is no bundle: %w", err)
	}
	count := b.Count * len(parts)
	var open *atomic.Int32
	if count > 1 {
		open = new(atomic.Int32)
		whole := finished
		finished = func() {
			if open.Add(-1) == 0 {
				whole()
			}
		}
	}
	// Lanes and quotas keep it for as long as there is anything for them.
	account := strings.Clone(parts[0].Event.Account)
	tasks := make([]*task, 0, count)
	var items hook.Selection
	for id := range b.Webhooks() {
		webhook := strings.Clone(id)
		if selections != nil {
			items, selections = selections[0], selections[1:]
		}
		before := len(tasks)
		for n := range parts {
			part, gets := parts[n].Of(items)
			if !gets {
				continue
			}
			tasks = append(tasks, &task{
				identity: identity{delivery: part.Delivery(webhook), run: b.Run},
				account:  account,
				webhook:  webhook,
				item:     part.Item,
				change:   part.Change,
				event:    part.Event,
				items:    part.Selected,
				bundle:   r.At(),
				bytes:    len(part.Change),
				test:     b.Test,
				since:    r.Time,
				finished: finished,
			})
		}
		if len(tasks) == before {
			return nil, fmt.Errorf("record of deliveries is no bundle: %w", errNoItems)
		}
	}
	if open != nil {
		open.Store(int32(len(tasks)))
	}
	return tasks, nil
}

var errNoItems = errors.New("its change has none of the items that a webhook gets")
