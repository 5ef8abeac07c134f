package bench

import (
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

// record is the event of a number as upstream would publish it: what
// codec.EncodeJSON writes, appended without making the event, so that publishing
// weighs little beside what is measured.
func (l load) record(number int, at time.Time) bus.Record {
	turn := number / len(l.tenants)
	s := subjects[turn%len(subjects)]
	account := l.tenant(number).account
	b := make([]byte, 0, 1024) // key and value
	b = append(append(append(b, account...), '/'), s.itemType...)
	key := len(b)
	b = append(append(b, `{"id":"`...), account...)
	b = strconv.AppendInt(append(b, '-'), int64(number), 10)
	b = append(append(b, `","account":"`...), account...)
	b = append(b, `","user":{"id":33,"itemType":"Crew","ref":"/crew/33"},"eventType":"update","itemType":"`...)
	b = append(append(b, s.itemType...), `","items":[{"id":`...)
	b = strconv.AppendInt(b, int64(number%items), 10)
	b = receiver.AppendRef(append(b, `,"ref":"`...), at, number)
	b = strconv.AppendInt(append(b, `","version":`...), int64(number/items+1), 10)
	b = appendData(append(b, `,"data":`...), number%items)
	b = at.AppendFormat(append(b, `}],"eventDate":"`...), time.RFC3339)
	b = append(b, `"}`...)
	return bus.Record{Topic: s.topic, Partition: bus.AnyPartition, Key: b[:key:key], Value: b[key:]}
}

// data is what a service knows of an item, about 330 bytes.
func data(item int) []byte { return appendData(nil, item) }

func appendData(b []byte, item int) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), int64(item), 10)
	b = append(b, `,"name":"Ferramenta Rossi & Figli S.r.l.","vatNumber":"IT`...)
	for rest := 10_000_000_000; rest > item && rest > 1; rest /= 10 {
		b = append(b, '0') // eleven digits in all
	}
	b = strconv.AppendInt(b, int64(item), 10)
	return append(b, `",`+
		`"address":{"street":"Via Giuseppe Garibaldi 24","city":"Reggio nell'Emilia","zip":"42121","country":"IT"},`+
		`"email":"amministrazione@example.com","phone":"+39 0522 000000","total":1284.50,`+
		`"lines":[{"code":"A-1001","quantity":3,"price":199.00},{"code":"B-2040","quantity":1,"price":687.50}]}`...)
}
