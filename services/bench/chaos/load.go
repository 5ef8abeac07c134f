package chaos

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// subjects are what changes, one after the other, so that events spread over
// topics and partitions.
var subjects = []struct{ topic, itemType string }{
	{bus.EventsPrefix + "receipts", "Receipt"},
	{bus.EventsPrefix + "invoices", "Invoice"},
	{bus.EventsPrefix + "contacts", "Contact"},
	{bus.EventsPrefix + "stock", "StockMovement"},
}

const (
	// beat is how often what is due is published.
	beat = 10 * time.Millisecond
	// maxOwed is the most that is made up for after the publisher was held up.
	maxOwed = time.Second
	// flushAtEnd bounds the end of the producer, which has nothing left then.
	flushAtEnd = 5 * time.Second
)

// publisher publishes at a steady rate until it is told to finish.
type publisher struct {
	producer *bus.Producer
	ledger   *ledger
	tenants  []tenant
	rate     int

	stop    context.CancelFunc
	stopped chan error // one value
	open    atomic.Int64
	refused atomic.Pointer[error] // the first event that Kafka refused
	events  int                   // once it has stopped
}

func (in *installation) publish(ctx context.Context, l *ledger, tenants []tenant, rate int) (*publisher, error) {
	for _, t := range tenants {
		for _, w := range t.webhooks {
			for subject := range subjects {
				l.follow(stream{w, subject})
			}
		}
	}
	p := &publisher{
		producer: in.parts.Bus.NewProducer(bus.ProducerConfig{}),
		ledger:   l, tenants: tenants, rate: rate, stopped: make(chan error, 1),
	}
	ctx, p.stop = context.WithCancel(ctx)
	go func() { p.stopped <- p.run(ctx) }()
	return p, nil
}

func (p *publisher) run(ctx context.Context) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	begun, sent := time.Now(), 0 // since begun
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		due := int(time.Since(begun).Seconds() * float64(p.rate))
		if due-sent > int(maxOwed.Seconds()*float64(p.rate)) {
			begun, sent, due = time.Now(), 0, 1
		}
		for ; sent < due && ctx.Err() == nil; sent++ {
			if err := p.one(ctx, p.events); err != nil {
				return err
			}
			p.events++
		}
	}
}

// one publishes the event of a number. Kafka being away only delays it.
func (p *publisher) one(ctx context.Context, number int) error {
	t := p.tenants[number%len(p.tenants)]
	subject := number / len(p.tenants) % len(subjects)
	now, item := time.Now(), strconv.Itoa(number)
	event := hook.Event{
		ID: t.account + "-" + item, Account: t.account, Type: hook.Update, ItemType: subjects[subject].itemType,
		Items: []hook.Item{{ID: item, Ref: "/chaos/" + item}},
		Date:  now.Format(time.RFC3339),
	}
	value, err := codec.EncodeJSON(event)
	if err != nil {
		return fmt.Errorf("event %d: %w", number, err)
	}
	for _, w := range t.webhooks {
		p.ledger.expect(hook.DeliveryID(event.ID, w, -1), stream{w, subject}, now)
	}
	p.open.Add(1)
	// Not with ctx: what is expected must be published, also at the end.
	err = p.producer.Produce(context.WithoutCancel(ctx), bus.Record{
		Topic: subjects[subject].topic, Partition: bus.AnyPartition,
		Key: []byte(event.Account + "/" + event.ItemType), Value: value,
	}, func(_ hook.Coordinates, err error) {
		if err != nil {
			err = fmt.Errorf("event %s: %w", event.ID, err)
			p.refused.CompareAndSwap(nil, &err)
		}
		p.open.Add(-1)
	})
	if err != nil {
		return fmt.Errorf("publish event %d: %w", number, err)
	}
	return nil
}

// finish ends the load and waits until Kafka has acknowledged every event.
func (p *publisher) finish(ctx context.Context, patience time.Duration) error {
	p.stop()
	if err := <-p.stopped; err != nil {
		return err
	}
	_, err := await(ctx, patience, func(context.Context) (int, bool, error) {
		open := int(p.open.Load())
		return -open, open == 0, nil
	})
	if err != nil {
		return err
	}
	if refused := p.refused.Load(); refused != nil {
		return *refused
	}
	if open := p.open.Load(); open > 0 {
		return fmt.Errorf("kafka has not acknowledged %d events", open)
	}
	return nil
}

// close ends the producer; what it still holds is not published.
func (p *publisher) close() {
	p.stop()
	ctx, cancel := context.WithTimeout(context.Background(), flushAtEnd)
	defer cancel()
	_ = p.producer.Close(ctx) // the run has failed already if something is left
}
