package api

import (
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

// Ids in a test: those of items begin with TEST.
const (
	testItem   = "TEST-1"
	testParent = "TEST-2"
	testUser   = "TEST-3"
)

// testedTypes are those of which a webhook gets a test: at most maxTestEvents.
func testedTypes(w *hook.Webhook) []string {
	var types []string
	for _, name := range w.ItemTypes {
		if name == hook.AnyItemType {
			for _, t := range catalogue.All() {
				types = append(types, t.Name)
			}
			continue
		}
		types = append(types, name)
	}
	return types[:min(len(types), maxTestEvents)]
}

// sampleEvent is a made-up event of an item type that a webhook would get: of its
// first event type, and of a store that it sees.
func sampleEvent(w *hook.Webhook, itemType string, now time.Time) hook.Event {
	sample := catalogue.SampleOf(itemType)
	version := int64(1)
	item := hook.Item{ID: testItem, Ref: "/" + sample.Collection + "/" + testItem, Version: &version}
	if sample.Parent != "" {
		item.Parent = reference(sample.Parent, testParent)
	}
	e := hook.Event{
		ID: newID("evt_", now), Account: w.Account, User: reference("Crew", testUser),
		Type: w.EventTypes[0], ItemType: itemType, Date: now.UTC().Format(time.RFC3339Nano), Published: now,
	}
	for _, kind := range hook.EventTypes { // in this order, however the webhook has them
		if w.Wants(&hook.Event{Type: kind, ItemType: w.ItemTypes[0]}) {
			e.Type = kind
			break
		}
	}
	if len(w.Stores) > 0 {
		e.Store = w.Stores[0]
	}
	item.Data = sampleData(sample, item.Ref, e.Store, e.Date)
	e.Items = []hook.Item{item}
	return e
}

func reference(itemType, id string) *hook.Reference {
	return &hook.Reference{ID: id, ItemType: itemType, Ref: "/" + catalogue.SampleOf(itemType).Collection + "/" + id}
}

// sampleData is the item as a domain service gives it.
func sampleData(sample catalogue.Sample, ref, store, at string) []byte {
	b := jsontext.AppendString([]byte(`{"id":"`+testItem+`","ref":`), ref)
	b = append(append(b, `,"version":1,`...), sample.Fields...)
	if store != "" {
		b = jsontext.AppendString(append(b, `,"store":`...), store)
	}
	b = jsontext.AppendString(append(b, `,"createdAt":`...), at)
	b = jsontext.AppendString(append(b, `,"updatedAt":`...), at)
	return append(b, '}')
}
