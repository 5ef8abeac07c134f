package sqlstore

import (
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// source is where a list of deliveries is read from, and the index that leads:
// it has the rows in the list's order, or there are few of them. SQLite plans
// without statistics, and PostgreSQL with old ones, so that the columns of other
// indexes are hidden from both ("webhook || ”").
type source struct {
	from  string
	alias string // of the table that leads
	index index
}

type index int

const (
	byAccount index = iota
	byStatus
	byWebhook
	byEvent
	byItem
)

// sources are the places to look: one, but two for an item, which is in a
// delivery's row or in delivery_items.
func sources(f hook.DeliveryFilter) []source {
	one := source{from: `deliveries d`, alias: "d"}
	switch {
	case f.ItemID != "":
		one.index = byItem
		return []source{one, {from: `delivery_items i JOIN deliveries d ON d.id_key = i.id_key`, alias: "i", index: byItem}}
	case f.EventID != "":
		one.index = byEvent
	case len(f.Statuses) > 0 && !slices.Contains(f.Statuses, hook.FateDelivered):
		one.index = byStatus
	case f.Webhook != "":
		one.index = byWebhook
	}
	return []source{one}
}

// query reads at most limit rows, newest first.
func (s source) query(where *conditions, limit int) string {
	return `SELECT d.` + strings.Join(listColumns, ", d.") + ` FROM ` + s.from + ` WHERE ` + where.text.String() +
		` ORDER BY ` + s.alias + `.published DESC, ` + s.alias + `.id_key DESC LIMIT ` + where.arg(limit)
}

func (s source) conditions(account string, f hook.DeliveryFilter) *conditions {
	where := &conditions{}
	if s.index == byItem {
		item := storableText(f.ItemID)
		where.add(s.alias+`.item_key = ?`, itemKey(account, item))
		if s.alias == "d" {
			where.add(`d.item = ?`, item)
		}
	}
	if f.EventID != "" {
		event := storableText(f.EventID)
		if s.index == byEvent {
			where.add(`d.event_key = ?`, eventKey(account, event))
		}
		where.add(`d.event = ?`, event)
	}
	hidden(where, "account", account, s.index != byAccount && s.index != byStatus)
	if f.Webhook != "" {
		hidden(where, "webhook", storableText(f.Webhook), s.index != byWebhook)
	}
	if len(f.Statuses) > 0 {
		in(where, "d.status", f.Statuses)
		if s.index == byStatus {
			// As in the partial index, which neither planner uses without it.
			where.add(`d.status <> 'delivered'`)
		}
	}
	if f.ItemType != "" {
		where.add(`d.item_type = ?`, storableText(f.ItemType))
	}
	if f.Store != "" {
		where.add(`d.store = ?`, storableText(f.Store))
	}
	if !f.From.IsZero() {
		where.add(s.alias+`.published >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(s.alias+`.published < ?`, database.Micros(f.To))
	}
	return where
}

// hidden adds an equality, from the sight of indexes or not.
func hidden(where *conditions, column, value string, hide bool) {
	if hide {
		column += ` || ''`
	}
	where.add(`d.`+column+` = ?`, value)
}
