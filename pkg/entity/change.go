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

func (c *Collection) changed(it *Item) changed {
	return changed{
		id:       it.id,
		version:  it.version,
		store:    storeOf(it.fields),
		parent:   c.parent(it.fields),
		document: c.document(it),
	}
}

// apply runs an edit and writes its events in one transaction. The edit may run
// more than once.
func (s *Service) apply(ctx context.Context, c call, who *hook.Reference, edit func(ctx context.Context, tx *Tx) error) error {
	if s.exclusive {
		done, err := s.turns.take(ctx, c.account)
		if err != nil {
			return err
		}
		defer done()
	}
	written := false
	err := s.cfg.DB.Tx(ctx, func(sqlTx *sql.Tx) error {
		if s.exclusive {
			if err := s.items.seize(ctx, sqlTx, c.account); err != nil {
				return err
			}
		}
		tx := &Tx{
			service: s, sql: sqlTx, account: c.account, now: s.cfg.Now().UTC().Truncate(time.Microsecond), told: new([]*told), last: new(*Item),
		}
		if err := edit(ctx, tx); err != nil {
			return err
		}
		written = false
		for _, t := range *tx.told {
			for _, e := range s.events(tx, who, t) {
				written = true
				if err := s.outbox.Write(ctx, sqlTx, s.cfg.Topic, e); err != nil {
					return rejected(err)
				}
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
func (s *Service) events(tx *Tx, who *hook.Reference, t *told) []hook.Event {
	var events []hook.Event
	byStore := make(map[string]int)
	for _, it := range t.items {
		at, ok := byStore[it.store]
		if !ok {
			at = len(events)
			byStore[it.store] = at
			events = append(events, hook.Event{
				Account:  tx.account,
				Store:    it.store,
				User:     who,
				Type:     t.kind,
				ItemType: t.collection.ItemType,
				Date:     tx.now.Format(time.RFC3339Nano),
			})
		}
		version := it.version
		events[at].Items = append(events[at].Items, hook.Item{
			ID:      strconv.FormatInt(it.id, 10),
			Ref:     t.collection.ref(it.id),
			Version: &version,
			Data:    it.document,
			Parent:  s.parentRef(t.collection, it.parent),
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

// checkParents makes sure that the parents of items exist; paths come before the names
// of the items' fields.
func (tx *Tx) checkParents(ctx context.Context, c *Collection, paths []string, items []*Item) error {
	if c.Parent == nil {
		return nil
	}
	var ids []int64
	for _, it := range items {
		if id := it.Parent(); id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := tx.service.items.find(ctx, tx.sql, tx.service.collections[c.Parent.Collection], tx.account, ids)
	if err != nil {
		return err
	}
	var faults hook.Invalid
	for i, it := range items {
		id := it.Parent()
		if id != 0 && (found[id] == nil || found[id].deleted) {
			faults.Add(paths[i]+c.Parent.Field, strconv.FormatInt(id, 10), "must be the id of an item of /"+c.Parent.Collection)
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
