package portaltest

import (
	"context"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/api"
)

// Kafka keeps in memory what the API reads and writes there. Its fields are to be
// touched between requests.
type Kafka struct {
	mu sync.Mutex
	// Payloads has the event of each bundle of deliveries, Records what is in quarantine
	// by the id of its entry.
	Payloads map[hook.Coordinates]hook.Event
	Records  map[string]hook.Record
	// Reruns are the ids of deliveries that were handed on again, Redriven the records,
	// Tried the events of tests, Published those of POST /v1/events.
	Reruns    []string
	Redriven  []hook.Record
	Tried     []hook.Event
	Published []api.EncodedEvent
}

func newKafka() *Kafka {
	return &Kafka{Payloads: map[hook.Coordinates]hook.Event{}, Records: map[string]hook.Record{}}
}

// Publish implements api.Ingest.
func (k *Kafka) Publish(_ context.Context, events []api.EncodedEvent) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Published = append(k.Published, events...)
	return nil
}

// Payload implements api.Payloads.
func (k *Kafka) Payload(_ context.Context, d hook.Delivery) (hook.Event, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.Payloads[d.Bundle]
	if !ok {
		return hook.Event{}, hook.ErrNotFound
	}
	return e, nil
}

// Rerun implements api.Reruns.
func (k *Kafka) Rerun(ctx context.Context, d hook.Delivery, _ int64) error {
	if _, err := k.Payload(ctx, d); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Reruns = append(k.Reruns, d.ID)
	return nil
}

// Try implements api.Tests.
func (k *Kafka) Try(_ context.Context, _ *hook.Webhook, events []hook.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Tried = append(k.Tried, events...)
	return nil
}

// Record implements api.Redrives.
func (k *Kafka) Record(_ context.Context, q hook.Quarantined) (hook.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.Records[q.ID]
	if !ok {
		return hook.Record{}, hook.ErrNotFound
	}
	return r, nil
}

// Redrive implements api.Redrives.
func (k *Kafka) Redrive(_ context.Context, _ hook.Quarantined, r hook.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Redriven = append(k.Redriven, r)
	return nil
}

// Kept implements api.Topics.
func (k *Kafka) Kept(context.Context) (map[string]time.Duration, error) {
	return map[string]time.Duration{}, nil
}
