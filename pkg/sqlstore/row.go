package sqlstore

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// delivery is a row of the table deliveries as a record of attempts gives it.
type delivery struct {
	attempt hook.Attempt
	// number is the highest number of a request in the run so far.
	number int
	// statusCode is the last answer's in the run so far.
	statusCode int
}

func deliveryOf(a hook.Attempt) delivery {
	return delivery{attempt: a, number: a.Number, statusCode: a.StatusCode}
}

// then gives the row after a later record of the same delivery. It is the same
// rule as upsertDelivery's, for records of one batch (a statement of PostgreSQL
// may touch a row once only):
//
//   - a newer run counts, an older one does not;
//   - within a run delivered is the last word, whatever a twin says;
//   - else other final fates stay, and a record with a lower step is late.
func (d delivery) then(next hook.Attempt) delivery {
	old := d.attempt
	switch {
	case next.Run > old.Run:
		return deliveryOf(next)
	case next.Run < old.Run, old.Fate == hook.FateDelivered:
		return d
	case next.Fate == hook.FateDelivered, !old.Fate.Final() && next.Step >= old.Step:
		after := delivery{attempt: next, number: max(d.number, next.Number), statusCode: next.StatusCode}
		if next.Number == 0 {
			after.statusCode = d.statusCode
		}
		return after
	}
	return d
}

// upsertDelivery follows delivery.then; what never changes in a delivery is not
// updated.
const upsertDelivery = ` ON CONFLICT (id) DO UPDATE SET
	status = excluded.status, reason = excluded.reason, run = excluded.run, step = excluded.step,
	attempts = CASE WHEN d.run = excluded.run AND d.attempts > excluded.attempts THEN d.attempts ELSE excluded.attempts END,
	status_code = CASE WHEN d.run = excluded.run AND excluded.attempts = 0 THEN d.status_code ELSE excluded.status_code END,
	bundle_topic = excluded.bundle_topic, bundle_partition = excluded.bundle_partition, bundle_offset = excluded.bundle_offset,
	updated_at = excluded.updated_at, due = excluded.due, trace_id = excluded.trace_id
WHERE d.run < excluded.run OR d.run = excluded.run AND d.status <> 'delivered' AND (
	excluded.status = 'delivered' OR d.status IN ('retrying', 'held') AND d.step <= excluded.step)`

// deliveryColumns are those of hook.Delivery, and step at the end.
const deliveryColumns = `id, account, webhook, event, event_type, item_type, items, store, status, reason, run, attempts,
	status_code, bundle_topic, bundle_partition, bundle_offset, source_topic, source_partition, source_offset,
	published, updated_at, due, trace_id, step`

func (d delivery) values(items string) []any {
	a := d.attempt
	return []any{
		a.Delivery, a.Account, a.Webhook, a.Event, string(a.EventType), a.ItemType, items, a.Store,
		string(a.Fate), string(a.Reason), a.Run, int64(d.number),
		int64(d.statusCode), a.Bundle.Topic, int64(a.Bundle.Partition), a.Bundle.Offset,
		a.Source.Topic, int64(a.Source.Partition), a.Source.Offset,
		database.Micros(a.Published), database.Micros(a.At), database.Micros(a.Due), a.TraceID, int64(a.Step),
	}
}

func scanDelivery(scan func(...any) error) (hook.Delivery, error) {
	var d hook.Delivery
	var items string
	var published, updated, due, step int64
	err := scan(&d.ID, &d.Account, &d.Webhook, &d.Event, &d.EventType, &d.ItemType, &items, &d.Store,
		&d.Status, &d.Reason, &d.Run, &d.Attempts, &d.StatusCode,
		&d.Bundle.Topic, &d.Bundle.Partition, &d.Bundle.Offset, &d.Source.Topic, &d.Source.Partition, &d.Source.Offset,
		&published, &updated, &due, &d.TraceID, &step)
	if err != nil {
		return hook.Delivery{}, err
	}
	d.Published, d.UpdatedAt, d.Due = database.Time(published), database.Time(updated), database.Time(due)
	return d, json.Unmarshal([]byte(items), &d.Items)
}

// attemptColumns are those of the table attempts.
const attemptColumns = `delivery, run, number, place, step, fate, reason, detail, bundle_partition, bundle_offset,
	at, duration, url, status_code, response, due, trace_id`

// upsertAttempt: twins that posted the same attempt leave one row, the success
// if there was one; a record that is there already changes nothing.
const upsertAttempt = ` ON CONFLICT (delivery, run, number, place) DO UPDATE SET
	step = excluded.step, fate = excluded.fate, reason = excluded.reason, detail = excluded.detail,
	bundle_partition = excluded.bundle_partition, bundle_offset = excluded.bundle_offset,
	at = excluded.at, duration = excluded.duration, url = excluded.url, status_code = excluded.status_code,
	response = excluded.response, due = excluded.due, trace_id = excluded.trace_id
WHERE excluded.fate = 'delivered' AND a.fate <> 'delivered'`

// attemptKey is what makes a record unique in the log.
type attemptKey struct {
	delivery string
	run      int64
	number   int
	place    string
}

func keyOf(a hook.Attempt) attemptKey {
	key := attemptKey{a.Delivery, a.Run, a.Number, ""}
	if a.Number == 0 {
		key.place = strconv.Itoa(a.Step) + "/" + string(a.Fate)
	}
	return key
}

func attemptValues(key attemptKey, a hook.Attempt) []any {
	response := a.Response
	if response == nil {
		response = []byte{} // not NULL
	}
	return []any{
		key.delivery, key.run, int64(key.number), key.place, int64(a.Step), string(a.Fate), string(a.Reason), a.Detail,
		int64(a.Bundle.Partition), a.Bundle.Offset, database.Micros(a.At), a.Duration.Microseconds(), a.URL,
		int64(a.StatusCode), response, database.Micros(a.Due), a.TraceID,
	}
}

// storable removes what PostgreSQL's text cannot hold: NUL characters (JSON may
// escape one in an item's id) and bytes that are not UTF-8.
func storable(a hook.Attempt) hook.Attempt {
	for _, text := range []*string{
		&a.Delivery, &a.Detail, &a.Account, &a.Webhook, &a.Store, &a.Event, &a.ItemType, &a.URL, &a.TraceID,
		&a.Bundle.Topic, &a.Source.Topic,
	} {
		*text = storableText(*text)
	}
	for i, item := range a.Items {
		if clean := storableText(item); clean != item {
			// The caller's list stays as it is.
			a.Items = append([]string(nil), a.Items...)
			a.Items[i] = clean
		}
	}
	return a
}

func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
