package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

// subjects are what changes, one after the other: an item type of each domain
// service, so that events spread over topics and partitions as real ones do.
var subjects = []struct{ topic, itemType string }{
	{bus.EventsPrefix + "receipts", "Receipt"},
	{bus.EventsPrefix + "invoices", "Invoice"},
	{bus.EventsPrefix + "contacts", "Contact"},
	{bus.EventsPrefix + "stock", "StockMovement"},
}

// items is how many different items of a tenant change.
const items = 10_000

// load is the events of a run, numbered from 0. Tenants take turns.
type load struct {
	tenants []tenant
}

func (l load) tenant(number int) *tenant { return &l.tenants[number%len(l.tenants)] }

// deliveries is what so many events lead to.
func (l load) deliveries(from, count int) int {
	sum := 0
	for n := from; n < from+count; n++ {
		sum += len(l.tenant(n).webhooks)
	}
	return sum
}

// event makes the event of a number: an update, about 700 bytes as JSON.
func (l load) event(number int, at time.Time) (topic string, e hook.Event) {
	// Each tenant goes round the subjects, however many tenants there are.
	turn := number / len(l.tenants)
	s := subjects[turn%len(subjects)]
	account := l.tenant(number).account
	item, version := number%items, int64(number/items+1)
	return s.topic, hook.Event{
		ID:       account + "-" + strconv.Itoa(number),
		Account:  account,
		User:     &hook.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
		Type:     hook.Update,
		ItemType: s.itemType,
		Items: []hook.Item{{
			ID: strconv.Itoa(item), Ref: receiver.Ref(at, number), Version: &version, Data: data(item),
		}},
		Date: at.Format(time.RFC3339),
	}
}

// data is what a service knows of an item, about 330 bytes.
func data(item int) []byte {
	return fmt.Appendf(nil, `{"id":%d,"name":"Ferramenta Rossi & Figli S.r.l.","vatNumber":"IT%011d",`+
		`"address":{"street":"Via Giuseppe Garibaldi 24","city":"Reggio nell'Emilia","zip":"42121","country":"IT"},`+
		`"email":"amministrazione@example.com","phone":"+39 0522 000000","total":1284.50,`+
		`"lines":[{"code":"A-1001","quantity":3,"price":199.00},{"code":"B-2040","quantity":1,"price":687.50}]}`, item, item)
}

// publish produces events and returns when Kafka has acknowledged them all.
func (l load) publish(ctx context.Context, producer *bus.Producer, from, count int) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	acknowledged := make(chan struct{})
	left := count // touched by done functions only, which run one at a time
	for number := from; number < from+count; number++ {
		topic, event := l.event(number, time.Now())
		value, err := codec.EncodeJSON(event)
		if err != nil {
			return fmt.Errorf("event %d: %w", number, err)
		}
		err = producer.Produce(ctx, bus.Record{
			Topic: topic, Partition: bus.AnyPartition, Key: []byte(event.Account + "/" + event.ItemType), Value: value,
		}, func(_ hook.Coordinates, err error) {
			if err != nil {
				fail(fmt.Errorf("publish: %w", err))
			}
			if left--; left == 0 {
				close(acknowledged)
			}
		})
		if err != nil {
			return fmt.Errorf("publish event %d: %w", number, err)
		}
	}
	select {
	case <-acknowledged:
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
