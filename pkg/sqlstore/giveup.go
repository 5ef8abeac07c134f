package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// DiscardDelivery implements hook.Discards.
func (s *Store) DiscardDelivery(ctx context.Context, account, id string) error {
	d, err := s.Delivery(ctx, account, id)
	switch {
	case err != nil:
		return err
	case d.Status == hook.FateCancelled && d.Reason == hook.ReasonDiscarded:
		return nil
	case d.Status != hook.FateExhausted:
		return fmt.Errorf("discarding delivery %q: %w", id, hook.ErrStale)
	}
	discarded, err := s.giveUp(ctx, account, []hook.Delivery{d}, act{operation: "discard-delivery", target: id})
	if err == nil && discarded == 0 { // somebody has asked for it again
		err = hook.ErrStale
	}
	if err != nil {
		return fmt.Errorf("discarding delivery %q: %w", id, err)
	}
	return nil
}

// DiscardDeliveries implements hook.Discards.
func (s *Store) DiscardDeliveries(ctx context.Context, account string, f hook.DeliveryFilter, limit int) (discarded int, more bool, err error) {
	f.Statuses = []hook.Fate{hook.FateExhausted}
	list, next, err := s.Deliveries(ctx, account, f, hook.Page{Limit: limit})
	if err != nil {
		return 0, false, err
	}
	if len(list) == 0 {
		return 0, false, nil
	}
	changes, err := diff(nil, []field{
		{name: "webhook", value: f.Webhook}, {name: "itemType", value: f.ItemType}, {name: "itemId", value: f.ItemID},
		{name: "eventId", value: f.EventID}, {name: "store", value: f.Store}, {name: "reason", value: f.Reason},
		{name: "from", value: moment(f.From)}, {name: "to", value: moment(f.To)}, {name: "discarded", value: len(list)},
	})
	if err != nil {
		return 0, false, err
	}
	discarded, err = s.giveUp(ctx, account, list, act{
		operation: "discard-deliveries", target: cmp.Or(f.Webhook, "deliveries"), changes: changes,
	})
	if err != nil {
		return 0, false, fmt.Errorf("discarding deliveries of account %q: %w", account, err)
	}
	return discarded, next != "", nil
}

// giveUp cancels those of these that are exhausted still, after it was noted: the log is
// written on a connection of its own.
func (s *Store) giveUp(ctx context.Context, account string, deliveries []hook.Delivery, what act) (discarded int, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		return s.audit(ctx, tx, account, what)
	})
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(w *database.Writer) error {
		discarded = 0
		l := newLedger(len(deliveries), s.now(), s.days.all())
		for _, d := range deliveries {
			l.open(d.ID, database.Micros(d.Published), false)
		}
		if err := l.read(ctx, w, s.spans()); err != nil {
			return err
		}
		for _, h := range l.stored {
			if h.discard(s.now()) {
				discarded++
			}
		}
		return l.write(ctx, w)
	})
	return discarded, err
}
