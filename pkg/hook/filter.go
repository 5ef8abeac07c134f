package hook

import "time"

// FilterError is what went wrong with a webhook's filter: it had no answer for
// some items, which the webhook therefore did not get.
type FilterError struct {
	Webhook string
	// Count is the number of items.
	Count int64
	// At, Event and Message are those of the last failure.
	At      time.Time
	Event   string
	Message string
}
