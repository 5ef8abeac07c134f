package bench

import (
	"fmt"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
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

// deliveriesTo is what so many events lead to in a group of webhooks.
func (l load) deliveriesTo(group string, from, count int) int {
	sum := 0
	for n := from; n < from+count; n++ {
		for _, w := range l.tenant(n).webhooks {
			if group == everyone || w.group == group {
				sum++
			}
		}
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
