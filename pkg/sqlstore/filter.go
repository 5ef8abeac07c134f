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
	// open leaves the planner the choice of an index for what is rare.
	open bool
	// statuses are those of the filter, or of these the one whose place this is.
	statuses []hook.Fate
}

type index int

const (
	byAccount index = iota
	byStatus
	byWebhook
	byWebhookStatus
	byEvent
	byItem
)

// sources are the places to look: one, but two for an item, which is in a
// delivery's row or in delivery_items, and one for each status, which an index has in
// order. rare: days that are over have indexes by item type and by store, and their
// statistics; which index leads depends on what of the filter is rare, and each has
// the list's order.
func sources(f hook.DeliveryFilter, rare bool) []source {
	one := source{from: `deliveries d`, alias: "d", statuses: f.Statuses, open: rare && (f.ItemType != "" || f.Store != "")}
	switch {
	case f.ItemID != "":
		one.index = byItem
		other := one
		other.from, other.alias = `delivery_items i JOIN deliveries d ON d.id_key = i.id_key AND d.published = i.published`, "i"
		return []source{one, other}
	case f.EventID != "":
		one.index = byEvent
	case len(f.Statuses) > 0 && !slices.Contains(f.Statuses, hook.FateDelivered):
		one.index = byStatus
		if f.Webhook != "" {
			one.index = byWebhookStatus
		}
		if one.open { // rare enough to be sorted, or in the order of another index
			return []source{one}
		}
		var each []source
		for _, status := range slices.Compact(slices.Sorted(slices.Values(f.Statuses))) {
			one.statuses = []hook.Fate{status}
			each = append(each, one)
		}
		return each
	case f.Webhook != "":
		one.index = byWebhook
	}
	return []source{one}
}

// query reads at most limit rows of a span, newest first.
func (s source) query(where *conditions, of span, limit int) string {
	bounds := of.conditions(s.alias)
	if s.alias != "d" {
		bounds += of.conditions("d")
	}
	return `SELECT d.` + strings.Join(listColumns, ", d.") + ` FROM ` + s.from + ` WHERE ` + where.text.String() + bounds +
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
	byIt := s.index == byAccount || s.index == byStatus
	hidden(where, "account", account, !byIt && (!s.open || s.index != byWebhook && s.index != byWebhookStatus))
	if f.Webhook != "" {
		hidden(where, "webhook", storableText(f.Webhook), s.index != byWebhook && s.index != byWebhookStatus)
	}
	if len(s.statuses) > 0 {
		in(where, "d.status", s.statuses)
		if s.index == byStatus || s.index == byWebhookStatus {
			// As in the partial index, which neither planner uses without it.
			where.add(`d.status <> 'delivered'`)
		}
	}
	if f.ItemType != "" {
		where.add(`d.item_type = ?`, storableText(f.ItemType))
	}
	if f.Reason != "" {
		where.add(`d.reason = ?`, string(f.Reason))
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
