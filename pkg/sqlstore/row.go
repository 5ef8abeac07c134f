package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// delivery is a row of the table deliveries.
type delivery struct {
	// attempt is the record that the row shows; nobody writes to it.
	attempt *hook.Attempt
	status  hook.Fate
	// number is the highest number of a request in the run so far.
	number int
	// statusCode is the last answer's in the run so far.
	statusCode int
}

func deliveryOf(a *hook.Attempt) delivery {
	return delivery{attempt: a, status: a.Fate, number: a.Number, statusCode: a.StatusCode}
}

// takes reports whether a later record of the same delivery changes the row:
//
//   - a newer run counts, an older one does not;
//   - within a run delivered is the last word, whatever a twin says;
//   - else other final fates stay, and a record with a lower step is late.
func (d *delivery) takes(next *hook.Attempt) bool {
	switch {
	case next.Run != d.attempt.Run:
		return next.Run > d.attempt.Run
	case d.status == hook.FateDelivered:
		return false
	}
	return next.Fate == hook.FateDelivered || !d.status.Final() && next.Step >= d.attempt.Step
}

// then is the row after a record that it takes.
func (d *delivery) then(next *hook.Attempt) delivery {
	if next.Run != d.attempt.Run {
		return deliveryOf(next)
	}
	after := delivery{attempt: next, status: next.Fate, number: max(d.number, next.Number), statusCode: next.StatusCode}
	if next.Number == 0 {
		after.statusCode = d.statusCode
	}
	if next.Fate == hook.FatePending && after.number > 0 {
		// Pending is what nobody tried yet.
		after.status = hook.FateRetrying
	}
	return after
}

// Columns of the table deliveries: those that never change, those that do, and
// those of the one attempt of a delivery that has no more (duration first, NULL
// once they are rows of their own).
var (
	fixedColumns = []column{
		{"id_key", number}, {"id", text}, {"account", text}, {"webhook", text}, {"event_key", number}, {"event", text},
		{"event_type", text}, {"item_type", text}, {"item_key", number}, {"item", text}, {"items", text}, {"store", text},
		{"source_topic", text}, {"source_partition", number}, {"source_offset", number}, {"published", number},
		{"test", number},
	}
	stateColumns = []column{
		{"status", text}, {"reason", text}, {"run", number}, {"step", number}, {"attempts", number}, {"status_code", number},
		{"bundle_topic", text}, {"bundle_partition", number}, {"bundle_offset", number},
		{"updated_at", number}, {"due", number}, {"trace_id", text},
	}
	loneColumns = []column{
		{"duration", number}, {"url", text}, {"detail", text}, {"response", blob}, {"response_headers", text},
		{"dns", number}, {"connect", number}, {"tls", number}, {"first_byte", number}, {"request", blob},
	}
)

// rowColumns are all that Record writes.
var rowColumns = slices.Concat(fixedColumns, stateColumns, loneColumns)

// values are those of rowColumns.
func (d *delivery) values(key, published int64, lone bool) ([]any, error) {
	values, err := d.fixedValues(append(make([]any, 0, len(rowColumns)), key), published)
	return d.loneValues(d.stateValues(values), lone), err
}

// update are the values of updateColumns.
func (d *delivery) update(key int64, lone bool) []any {
	return d.loneValues(d.stateValues([]any{key, d.attempt.Delivery}), lone)
}

// fixedValues are those of fixedColumns behind the key.
func (d *delivery) fixedValues(values []any, published int64) ([]any, error) {
	a := d.attempt
	var key, item, items any
	n := &numbers{eventKey: eventKey(a.Account, a.Event), offset: a.Source.Offset, published: published}
	if len(a.Items) == 1 {
		n.itemKey = itemKey(a.Account, a.Items[0])
		key, item = &n.itemKey, &a.Items[0]
	} else {
		list, err := json.Marshal(append([]string{}, a.Items...)) // never null
		if err != nil {
			return nil, fmt.Errorf("items of delivery %q: %w", a.Delivery, err)
		}
		items = string(list)
	}
	return append(values,
		&a.Delivery, &a.Account, &a.Webhook, &n.eventKey, &a.Event,
		(*string)(&a.EventType), &a.ItemType, key, item, items, &a.Store,
		&a.Source.Topic, int64(a.Source.Partition), &n.offset, &n.published, nullFlag(a.Test)), nil
}

// numbers are those of a row, at one place: what the columns get are pointers.
type numbers struct{ eventKey, itemKey, offset, published int64 }

func (d *delivery) stateValues(values []any) []any {
	a := d.attempt
	return append(values,
		(*string)(&d.status), (*string)(&a.Reason), a.Run, int64(a.Step), int64(d.number), int64(d.statusCode),
		&a.Bundle.Topic, int64(a.Bundle.Partition), &a.Bundle.Offset,
		database.Micros(a.At), database.Micros(a.Due), &a.TraceID)
}

// loneValues are of the row's one attempt; all NULL if lone is false.
func (d *delivery) loneValues(values []any, lone bool) []any {
	if !lone {
		return append(values, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
	}
	a := d.attempt
	headers := headersJSON(a.ResponseHeaders)
	return append(values, a.Duration.Microseconds(), nullText(&a.URL), nullText(&a.Detail), nullBytes(a.Response),
		nullText(&headers),
		nullTime(a.Timing.DNS), nullTime(a.Timing.Connect), nullTime(a.Timing.TLS), nullTime(a.Timing.FirstByte), nullBytes(a.Request))
}

// rowScan is where a row is scanned to.
type rowScan struct {
	d                       delivery
	attempt                 hook.Attempt
	item, items             sql.NullString
	published, updated, due int64
	test, duration          sql.NullInt64
	url, detail, headers    sql.NullString
	timing                  timing
}

// listColumns are what a hook.Delivery is read from; wholeColumns add its lone
// attempt.
var (
	listColumns  = slices.DeleteFunc(names(fixedColumns, stateColumns), func(name string) bool { return strings.HasSuffix(name, "_key") })
	wholeColumns = append(slices.Clone(listColumns), names(loneColumns)...)
)

func (r *rowScan) listTargets() []any {
	a := &r.attempt
	return []any{
		&a.Delivery, &a.Account, &a.Webhook, &a.Event, &a.EventType, &a.ItemType, &r.item, &r.items, &a.Store,
		&a.Source.Topic, &a.Source.Partition, &a.Source.Offset, &r.published, &r.test,
		&r.d.status, &a.Reason, &a.Run, &a.Step, &r.d.number, &r.d.statusCode,
		&a.Bundle.Topic, &a.Bundle.Partition, &a.Bundle.Offset, &r.updated, &r.due, &a.TraceID,
	}
}

func (r *rowScan) loneTargets() []any {
	return append([]any{&r.duration, &r.url, &r.detail, &r.attempt.Response, &r.headers}, append(r.timing.targets(), &r.attempt.Request)...)
}

// finish gives the row; lone says whether its attempt is whole.
func (r *rowScan) finish() (d delivery, lone bool, err error) {
	a := &r.attempt
	a.Published, a.At, a.Due = database.Time(r.published), database.Time(r.updated), database.Time(r.due)
	a.Fate, a.Number, a.StatusCode = r.d.status, r.d.number, r.d.statusCode
	a.Duration = time.Duration(r.duration.Int64) * time.Microsecond
	a.Test = r.test.Valid
	a.URL, a.Detail, a.Timing = r.url.String, r.detail.String, r.timing.value()
	if r.item.Valid {
		a.Items = []string{r.item.String}
	} else if err := json.Unmarshal([]byte(r.items.String), &a.Items); err != nil {
		return delivery{}, false, fmt.Errorf("items of delivery %q: %w", a.Delivery, err)
	}
	a.ResponseHeaders, err = parseHeaders(r.headers.String)
	r.d.attempt = a
	return r.d, r.duration.Valid, err
}

func parseHeaders(list string) (headers []hook.Header, err error) {
	if list == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(list), &headers); err != nil {
		return nil, fmt.Errorf("headers of an answer: %w", err)
	}
	return headers, nil
}

func scanDelivery(scan func(...any) error) (hook.Delivery, error) {
	var r rowScan
	if err := scan(r.listTargets()...); err != nil {
		return hook.Delivery{}, err
	}
	d, _, err := r.finish()
	a := d.attempt
	return hook.Delivery{
		ID: a.Delivery, Account: a.Account, Webhook: a.Webhook, Event: a.Event, EventType: a.EventType, ItemType: a.ItemType,
		Items: a.Items, Store: a.Store, Status: d.status, Reason: a.Reason, Run: a.Run, Attempts: d.number,
		StatusCode: d.statusCode, Bundle: a.Bundle, Source: a.Source, Published: a.Published, UpdatedAt: a.At, Due: a.Due,
		TraceID: a.TraceID, Test: a.Test,
	}, err
}
