package publish

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// batchRows and batchBytes bound one round: with events of up to 900,000
	// bytes a count alone could be 9 GB. The larger it is, the fewer times a
	// round passes over rows that are deleted and not vacuumed yet.
	batchRows  = 10_000
	batchBytes = 16 << 20
	// smallBatchRows is for SQLite, where nobody else writes while a round's
	// rows are deleted: some milliseconds.
	smallBatchRows = 1000
)

// row is one event in the outbox.
type row struct {
	id      int64
	message Message
}

// read returns the oldest rows of topics that are not held, in order. It always
// begins with the lowest id: one that commits late is not passed over.
func (r *Relay) read(ctx context.Context) (batch []row, err error) {
	ctx, cancel := context.WithTimeout(ctx, querySpan)
	defer cancel()
	query, args := r.query()
	rows, err := r.cfg.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("relay: read: %w", err)
	}
	defer func() {
		if closeErr := rows.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("relay: read: %w", closeErr)
		}
	}()
	size := 0
	for size < batchBytes && rows.Next() {
		var one row
		m := &one.message
		if err := rows.Scan(&one.id, &m.Topic, &m.Key, &m.Value, &m.Trace.Parent, &m.Trace.State); err != nil {
			return nil, fmt.Errorf("relay: read: %w", err)
		}
		batch = append(batch, one)
		size += len(m.Value)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("relay: read: %w", err)
	}
	return batch, nil
}

// query is that of a batch. SQLite reads row by row, and stops when nobody asks
// for more; PostgreSQL would send all rows, however large, so it counts their bytes.
func (r *Relay) query() (string, []any) {
	where, args := ` WHERE refused IS NULL`, []any{}
	if held := r.heldTopics(); len(held) > 0 {
		marks := make([]string, len(held))
		for i, topic := range held {
			args = append(args, topic)
			marks[i] = "$" + strconv.Itoa(i+1)
		}
		where += ` AND topic NOT IN (` + strings.Join(marks, ", ") + `)`
	}
	const columns = `id, topic, key, value, traceparent, tracestate`
	from := ` FROM ` + r.cfg.Outbox.table() + where + ` ORDER BY id LIMIT `
	if r.cfg.DB.Dialect == database.SQLite {
		return `SELECT ` + columns + from + strconv.Itoa(r.batch), args
	}
	return `SELECT ` + columns + ` FROM (SELECT ` + columns + `,
		sum(octet_length(value)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(value) AS before` +
		from + strconv.Itoa(r.batch) + `) AS batch WHERE before < ` + strconv.Itoa(batchBytes) + ` ORDER BY id`, args
}
