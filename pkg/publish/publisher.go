package publish

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Publisher gives events straight to Kafka. An event counts as published when
// all replicas in sync have it (acks=all, kafka-go's RequireAll). What fails for
// a time, such as a broker that is restarted, it tries again; what is tried again may be
// written twice, with the same id, and the order of a key holds. It is safe
// for concurrent use, and one is enough for a process.
type Publisher struct {
	client   *bus.Client // nil if it is somebody else's to close
	producer *bus.Producer
}

// Dial checks the configuration; connections are made when they are needed.
// The error is hook.Invalid and names every fault. The Publisher is to be closed.
func Dial(cfg Config) (*Publisher, error) {
	client, err := cfg.client()
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	p := NewPublisher(client, bus.ProducerConfig{Linger: cfg.Linger, MaxBufferedBytes: cfg.MaxBufferedBytes})
	p.client = client
	return p, nil
}

// NewPublisher is a Publisher on a client that there is already, which is not
// closed with it.
func NewPublisher(client *bus.Client, cfg bus.ProducerConfig) *Publisher {
	return &Publisher{producer: client.NewProducer(cfg)}
}

// Publish publishes one event and waits until Kafka has acknowledged it. An
// event without an id gets one (UUIDv7), one without a date the present; who
// means to publish it again after an error sets the id, since by its id a
// repetition is known. The trace of ctx, else the event's own, goes along.
//
// Before anything is sent, *Reject says what the router would refuse, and
// hook.Invalid that the topic takes no events. Other errors are ErrRefused,
// ErrTopic, ErrClosed, or the cause of ctx's end: then it is not known whether
// the event is or will be in Kafka. While Kafka is away Publish waits, so give
// ctx a deadline.
func (p *Publisher) Publish(ctx context.Context, topic string, e Event) error {
	m, err := prepare(ctx, topic, &e, time.Now())
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if errs := p.send(ctx, []Message{m}); errs[0] != nil {
		return fmt.Errorf("publish event %s: %w", e.ID, errs[0])
	}
	return nil
}

// PublishAll is Publish for many events at once: they go out together, those of
// a key in their order. Ids and dates that are given are set in the slice too,
// so that the same slice can be published again. If one event is rejected none
// is sent, and the *Reject names its fields by their place in the slice, as in
// "[3].items[0].id". If some could not be published the error is *Unpublished.
func (p *Publisher) PublishAll(ctx context.Context, topic string, events []Event) error {
	now := time.Now()
	messages := make([]Message, len(events))
	for i := range events {
		var err error
		if messages[i], err = prepare(ctx, topic, &events[i], now); err != nil {
			return fmt.Errorf("publish: %w", placed(err, i))
		}
	}
	failed := make(map[int]error)
	for i, err := range p.send(ctx, messages) {
		if err != nil {
			failed[i] = fmt.Errorf("event %s: %w", events[i].ID, err)
		}
	}
	if len(failed) > 0 {
		return &Unpublished{Of: len(events), Errors: failed}
	}
	return nil
}

// placed puts the place in the batch before the names of the fields.
func placed(err error, i int) error {
	var reject *codec.Reject
	if !errors.As(err, &reject) {
		return err
	}
	faults := make(hook.Invalid, len(reject.Faults))
	for n, f := range reject.Faults {
		f.Field = "[" + strconv.Itoa(i) + "]." + f.Field
		faults[n] = f
	}
	return &codec.Reject{Reason: reject.Reason, Faults: faults}
}

// send returns what became of each message, once that is known or ctx has ended.
func (p *Publisher) send(ctx context.Context, messages []Message) []error {
	type answer struct {
		i   int
		err error
	}
	errs := make([]error, len(messages))
	answers := make(chan answer, len(messages)) // room for all: done never blocks
	waiting := make(map[int]bool, len(messages))
	for i, m := range messages {
		err := ctx.Err()
		if err == nil {
			err = p.Produce(ctx, m, func(err error) { answers <- answer{i, err} })
		}
		if err != nil {
			// What follows must not overtake it.
			for rest := i; rest < len(messages); rest++ {
				errs[rest] = fmt.Errorf("not sent: %w", err)
			}
			break
		}
		waiting[i] = true
	}
	for len(waiting) > 0 {
		select {
		case a := <-answers:
			errs[a.i] = a.err
			delete(waiting, a.i)
		case <-ctx.Done():
			for i := range waiting {
				errs[i] = fmt.Errorf("not acknowledged yet, and may still be published: %w", context.Cause(ctx))
			}
			return errs
		}
	}
	return errs
}

// Ping reports whether Kafka answers. A Publisher of NewPublisher asks its
// client instead.
func (p *Publisher) Ping(ctx context.Context) error {
	if p.client == nil {
		return errors.New("publish: the client is not this publisher's: ping it")
	}
	return p.client.Ping(ctx)
}

// Close takes no more events and waits until all that were taken are
// acknowledged. When ctx ends before that it gives up, with the error of ctx:
// whoever still waits gets ErrClosed.
func (p *Publisher) Close(ctx context.Context) error {
	err := p.producer.Close(ctx)
	if p.client != nil {
		p.client.Close()
	}
	if err != nil {
		return fmt.Errorf("publish: close: %w", err)
	}
	return nil
}
