package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// columnsOfD are deliveryColumns of the alias d.
var columnsOfD = "d." + strings.ReplaceAll(strings.Join(strings.Fields(deliveryColumns), " "), ", ", ", d.")

// Deliveries implements hook.Log.
func (s *Store) Deliveries(ctx context.Context, account string, f hook.DeliveryFilter, p hook.Page) ([]hook.Delivery, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	var where conditions
	from := `deliveries d`
	order := `d.published DESC, d.id DESC`
	if f.ItemID != "" {
		// Led by the item's rows, which are in the list's order themselves.
		from = `delivery_items i JOIN deliveries d ON d.id = i.delivery`
		order = `i.published DESC, i.delivery DESC`
		where.add(`i.account = ? AND i.item = ?`, account, storableText(f.ItemID))
		if more {
			where.add(`(i.published, i.delivery) < (?, ?)`, after.at, after.id)
		}
	}
	where.add(`d.account = ?`, account)
	if more {
		where.add(`(d.published, d.id) < (?, ?)`, after.at, after.id)
	}
	narrow(&where, f)
	query := `SELECT ` + columnsOfD + ` FROM ` + from + ` WHERE ` + where.text.String() +
		` ORDER BY ` + order + ` LIMIT ` + where.arg(p.Limit+1)
	list, err := collect(ctx, s.db, scanDelivery, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(d hook.Delivery) mark { return mark{at: database.Micros(d.Published), id: d.ID} })
	return list, next, nil
}

func narrow(where *conditions, f hook.DeliveryFilter) {
	if len(f.Statuses) > 0 {
		in(where, "d.status", f.Statuses)
		if !slices.Contains(f.Statuses, hook.FateDelivered) {
			// As in the partial index, which neither planner uses without it.
			where.add(`d.status <> 'delivered'`)
		}
	}
	for _, equal := range []struct{ column, value string }{
		{"webhook", f.Webhook}, {"item_type", f.ItemType}, {"event", f.EventID}, {"store", f.Store},
	} {
		if equal.value != "" {
			where.add(`d.`+equal.column+` = ?`, storableText(equal.value))
		}
	}
	if !f.From.IsZero() {
		where.add(`d.published >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(`d.published < ?`, database.Micros(f.To))
	}
}

// Delivery implements hook.Log.
func (s *Store) Delivery(ctx context.Context, account, id string) (hook.Delivery, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE account = $1 AND id = $2`, account, id)
	d, err := scanDelivery(row.Scan)
	if err != nil {
		return hook.Delivery{}, fmt.Errorf("delivery %q of account %q: %w", id, account, found(err))
	}
	return d, nil
}

// Attempts implements hook.Log. ErrNotFound if the delivery is not there.
func (s *Store) Attempts(ctx context.Context, account, id string) ([]hook.Attempt, error) {
	d, err := s.Delivery(ctx, account, id)
	if err != nil {
		return nil, err
	}
	list, err := collect(ctx, s.db, func(scan func(...any) error) (hook.Attempt, error) { return scanAttempt(scan, d) },
		`SELECT `+attemptColumns+` FROM attempts WHERE delivery = $1 ORDER BY run, step, at, number, place`, id)
	if err != nil {
		return nil, fmt.Errorf("attempts of delivery %q: %w", id, err)
	}
	return list, nil
}

// scanAttempt takes from the delivery what all its attempts have in common.
func scanAttempt(scan func(...any) error, d hook.Delivery) (hook.Attempt, error) {
	a := hook.Attempt{
		Account: d.Account, Webhook: d.Webhook, Store: d.Store, Event: d.Event, EventType: d.EventType,
		ItemType: d.ItemType, Items: d.Items, Bundle: hook.Coordinates{Topic: d.Bundle.Topic}, Source: d.Source, Published: d.Published,
	}
	var place string
	var at, duration, due int64
	err := scan(&a.Delivery, &a.Run, &a.Number, &place, &a.Step, &a.Fate, &a.Reason, &a.Detail,
		&a.Bundle.Partition, &a.Bundle.Offset, &at, &duration, &a.URL, &a.StatusCode, &a.Response, &due, &a.TraceID)
	a.At, a.Duration, a.Due = database.Time(at), time.Duration(duration)*time.Microsecond, database.Time(due)
	if len(a.Response) == 0 {
		a.Response = nil
	}
	return a, err
}
