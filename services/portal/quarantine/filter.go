package quarantine

import (
	"net/url"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// filter is which records the reader chose.
type filter struct {
	Reason, Topic string
	State         hook.QuarantineState
	// From and To are as they were typed.
	From, To string
	Cursor   string

	from, to time.Time
}

// readFilter reads what is chosen. Faults are of the times.
func readFilter(values url.Values) (*filter, *page.Faults) {
	f := &filter{
		Reason: values.Get("reason"), Topic: values.Get("topic"), State: hook.QuarantineState(values.Get("state")),
		From: values.Get("from"), To: values.Get("to"), Cursor: values.Get("cursor"),
	}
	if !slices.Contains(hook.QuarantineStates, f.State) {
		f.State = hook.Open // what somebody has to look at
	}
	faults := &page.Faults{Fields: map[string]string{}}
	for field, text := range map[string]struct {
		typed string
		at    *time.Time
	}{"from": {f.From, &f.from}, "to": {f.To, &f.to}} {
		if text.typed == "" {
			continue
		}
		var ok bool
		if *text.at, ok = readTime(text.typed); !ok {
			faults.Fields[field] = "must be a day and a time"
		}
	}
	if len(faults.Fields) == 0 && f.From != "" && f.To != "" && !f.from.Before(f.to) {
		faults.Fields["to"] = "must be later than the beginning"
	}
	if len(faults.Fields) > 0 {
		return f, faults
	}
	return f, nil
}

// readTime reads what browsers send for a day and a time, which is meant in UTC, and what
// the portal's own links have.
func readTime(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Narrows says whether less than everything is meant.
func (f *filter) Narrows() bool { return f.Reason != "" || f.Topic != "" || f.From != "" || f.To != "" }

// KnownReason says whether there is a text for the reason.
func (f *filter) KnownReason() bool { return knownReason(f.Reason) }

// FromTime and ToTime are zero if they do not bound.
func (f *filter) FromTime() time.Time { return f.from }

// ToTime is the first that is not meant.
func (f *filter) ToTime() time.Time { return f.to }

// query is that of a URL with another value in it.
func (f *filter) query(name, value string) string {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("reason", f.Reason)
	set("topic", f.Topic)
	set("from", f.From)
	set("to", f.To)
	if f.State != hook.Open {
		set("state", string(f.State))
	}
	values.Del(name)
	set(name, value)
	return values.Encode()
}

func (f *filter) list(limit int64) *client.ListQuarantineParams {
	state := client.ListQuarantineParamsState(f.State)
	p := &client.ListQuarantineParams{Limit: &limit, State: &state}
	if f.Reason != "" {
		p.Reason = &f.Reason
	}
	if f.Topic != "" {
		p.Topic = &f.Topic
	}
	if f.Cursor != "" {
		p.Cursor = &f.Cursor
	}
	if !f.from.IsZero() {
		p.From = &f.from
	}
	if !f.to.IsZero() {
		p.To = &f.to
	}
	return p
}
