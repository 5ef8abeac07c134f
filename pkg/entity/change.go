package entity

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// changed is an item as its event tells of it.
type changed struct {
	id       int64
	version  int64
	store    string
	parent   int64
	document []byte
}

func (c *Collection) changed(it *item) changed {
	return changed{
		id:       it.id,
		version:  it.version,
		store:    storeOf(it.fields),
		parent:   c.parent(it.fields),
		document: c.document(it),
	}
}

// apply runs an edit and writes its events in one transaction. The edit may run
// more than once; it gets the time of the change.
func (s *Service) apply(ctx context.Context, c call, who *hook.Reference, kind hook.EventType,
	edit func(ctx context.Context, tx *sql.Tx, now time.Time) ([]changed, error),
) error {
	written := false
	err := s.cfg.DB.Tx(ctx, func(tx *sql.Tx) error {
		now := s.cfg.Now().UTC().Truncate(time.Microsecond)
		items, err := edit(ctx, tx, now)
		if err != nil {
			return err
		}
		events := s.events(c, who, kind, now, items)
		written = len(events) > 0
		for _, e := range events {
			if err := s.outbox.Write(ctx, tx, s.cfg.Topic, e); err != nil {
				return rejected(err)
			}
		}
		return nil
	})
	if err == nil && written {
		s.outbox.Committed()
	}
	return err
}

// events tells of a change: one event per store, in the order of the items.
func (s *Service) events(c call, who *hook.Reference, kind hook.EventType, now time.Time, items []changed) []hook.Event {
	var events []hook.Event
	byStore := make(map[string]int)
	for _, it := range items {
		at, ok := byStore[it.store]
		if !ok {
			at = len(events)
			byStore[it.store] = at
			events = append(events, hook.Event{
				Account:  c.account,
				Store:    it.store,
				User:     who,
				Type:     kind,
				ItemType: c.collection.ItemType,
				Date:     now.Format(time.RFC3339Nano),
			})
		}
		version := it.version
		events[at].Items = append(events[at].Items, hook.Item{
			ID:      strconv.FormatInt(it.id, 10),
			Ref:     c.collection.ref(it.id),
			Version: &version,
			Data:    it.document,
			Parent:  s.parentRef(c.collection, it.parent),
		})
	}
	return events
}

func (s *Service) parentRef(c *Collection, id int64) *hook.Reference {
	if id == 0 {
		return nil
	}
	parent := s.collections[c.Parent.Collection]
	return &hook.Reference{ID: strconv.FormatInt(id, 10), ItemType: parent.ItemType, Ref: parent.ref(id)}
}

// checkParents makes sure that the parents of items exist.
func (s *Service) checkParents(ctx context.Context, tx *sql.Tx, c call, paths []string, items []*item) error {
	if c.collection.Parent == nil {
		return nil
	}
	var ids []int64
	for _, it := range items {
		if id := c.collection.parent(it.fields); id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	parent := c.collection.Parent
	found, err := s.items.find(ctx, tx, key{c.account, parent.Collection}, ids)
	if err != nil {
		return err
	}
	var faults hook.Invalid
	for i, it := range items {
		id := c.collection.parent(it.fields)
		if id != 0 && (found[id] == nil || found[id].deleted) {
			faults.Add(paths[i]+parent.Field, strconv.FormatInt(id, 10), "must be the id of an item of /"+parent.Collection)
		}
	}
	return invalid(faults)
}

// rejected turns a refusal of the event into an answer: the items are valid by
// themselves, but together they make no event.
func rejected(err error) error {
	var reject *codec.Reject
	if !errors.As(err, &reject) {
		return err
	}
	if reject.Reason == codec.TooLarge {
		return tooLarge("the change is too large for one event: change fewer or smaller items at a time")
	}
	return problem.New(http.StatusUnprocessableEntity, "", reject.Error(), reject.Faults)
}
