package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// attemptColumns are those of the table attempts.
var attemptColumns = []column{
	{"id_key", number}, {"delivery", text}, {"run", number}, {"number", number}, {"place", text}, {"step", number},
	{"fate", text}, {"reason", text}, {"detail", text}, {"bundle_partition", number}, {"bundle_offset", number},
	{"at", number}, {"duration", number}, {"url", text}, {"status_code", number}, {"response", blob},
	{"response_headers", text}, {"due", number}, {"trace_id", text},
	{"dns", number}, {"connect", number}, {"tls", number}, {"first_byte", number}, {"request", blob},
	{"published", number},
}

// attemptValues are the rows that the table attempts lacks: none as long as the
// delivery's row tells all.
func (h *history) attemptValues() [][]any {
	if h.lone() {
		return nil
	}
	var rows [][]any
	for i := range h.attempts {
		e := &h.attempts[i]
		if e.tabled {
			continue
		}
		a := e.attempt
		headers := headersJSON(a.ResponseHeaders)
		rows = append(rows, []any{
			h.key, a.Delivery, e.key.run, int64(e.key.number), e.key.place, int64(a.Step),
			string(a.Fate), string(a.Reason), a.Detail, int64(a.Bundle.Partition), a.Bundle.Offset,
			database.Micros(a.At), a.Duration.Microseconds(), a.URL, int64(a.StatusCode), nullBytes(a.Response),
			nullText(&headers), database.Micros(a.Due), a.TraceID,
			nullTime(a.Timing.DNS), nullTime(a.Timing.Connect), nullTime(a.Timing.TLS), nullTime(a.Timing.FirstByte), nullBytes(a.Request),
			h.published,
		})
	}
	return rows
}

// forget deletes the rows of twins that failed where another one succeeded.
func (h *history) forget(ctx context.Context, w *database.Writer) error {
	for _, e := range h.attempts {
		if !e.stale {
			continue
		}
		id := e.attempt.Delivery
		if _, err := w.ExecContext(ctx, `DELETE FROM attempts AS a WHERE id_key = $1 AND delivery = $2
			AND run = $3 AND number = $4 AND place = $5 AND `+attemptsOf(daySpan(dayOf(h.published))),
			h.key, id, e.key.run, e.key.number, e.key.place); err != nil {
			return err
		}
	}
	return nil
}

// readColumns are those of attemptColumns that scanAttempt reads.
var readColumns = names(attemptColumns[2:4], attemptColumns[5:len(attemptColumns)-1])

// attemptsOf bounds what is read of the table attempts, as a, to those of deliveries
// of a span: they have the times of their deliveries, or 0 if they were there before
// they had that.
func attemptsOf(s span) string { return `(a.published = 0 OR TRUE` + s.conditions("a") + `)` }

// scanAttempt takes from the delivery what all its attempts have in common.
func scanAttempt(scan func(...any) error, d *hook.Attempt) (hook.Attempt, error) {
	a := hook.Attempt{
		Delivery: d.Delivery, Account: d.Account, Webhook: d.Webhook, Store: d.Store, Event: d.Event, EventType: d.EventType,
		ItemType: d.ItemType, Items: d.Items, Bundle: hook.Coordinates{Topic: d.Bundle.Topic}, Source: d.Source, Published: d.Published, Test: d.Test,
	}
	var at, duration, due int64
	var headers sql.NullString
	var took timing
	err := scan(append([]any{&a.Run, &a.Number, &a.Step, &a.Fate, &a.Reason, &a.Detail, &a.Bundle.Partition, &a.Bundle.Offset,
		&at, &duration, &a.URL, &a.StatusCode, &a.Response, &headers, &due, &a.TraceID}, append(took.targets(), &a.Request)...)...)
	if err != nil {
		return hook.Attempt{}, err
	}
	a.At, a.Duration, a.Due = database.Time(at), time.Duration(duration)*time.Microsecond, database.Time(due)
	a.Timing = took.value()
	if len(a.Response) == 0 {
		a.Response = nil
	}
	a.ResponseHeaders, err = parseHeaders(headers.String)
	return a, err
}
