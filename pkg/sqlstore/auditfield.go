package sqlstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// field is something that the audit log tells of a thing: by the name and with
// the value that the API has.
type field struct {
	name  string
	value any
	// hidden is compared with value, and never told: a field in which only that
	// differs is said to have changed.
	hidden any
}

// secretField is one of which only that it changed is told.
func secretField(name string, value any) field { return field{name: name, hidden: value} }

// diff is what is another in after, whose fields are those of before, in their
// order; nil stands for a thing that is not there, which has no values.
func diff(before, after []field) ([]hook.Change, error) {
	var changes []hook.Change
	for i := range max(len(before), len(after)) {
		var was, is field
		if i < len(before) {
			was = before[i]
		}
		if i < len(after) {
			is = after[i]
		}
		from, err := auditValue(was.value)
		if err != nil {
			return nil, err
		}
		to, err := auditValue(is.value)
		if err != nil {
			return nil, err
		}
		name := was.name
		if name == "" {
			name = is.name
		}
		switch {
		case !bytes.Equal(from, to):
			changes = append(changes, hook.Change{Field: name, From: from, To: to})
		case !same(was.hidden, is.hidden):
			changes = append(changes, hook.Change{Field: name, Secret: true})
		}
	}
	return changes, nil
}

// auditValue is a value as JSON; nil for what says nothing.
func auditValue(value any) (json.RawMessage, error) {
	if empty(value) {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("value for the audit log: %w", err)
	}
	return text, nil
}

func same(a, b any) bool { return empty(a) && empty(b) || reflect.DeepEqual(a, b) }

// empty reports whether a value is the zero of its type, or a list without
// entries.
func empty(value any) bool {
	v := reflect.ValueOf(value)
	return !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// moment is a time as the API shows it.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// durationText is a duration as the API shows it: 5m, not 5m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func accountFields(a *hook.Account) []field {
	var quota map[string]any
	if q := a.Quota; q != nil {
		quota = map[string]any{"calls": q.Calls, "period": durationText(q.Period)}
	}
	var streak map[string]any
	if r := a.Streak; r != nil {
		streak = map[string]any{"notify": append([]int{}, r.Notify...), "disable": nil}
		if r.Disable > 0 {
			streak["disable"] = r.Disable
		}
	}
	return []field{{name: "name", value: a.Name}, {name: "quota", value: quota}, {name: "streak", value: streak}}
}

func keyFields(k *hook.Key) []field {
	return []field{{name: "name", value: k.Name}, {name: "scopes", value: k.Scopes}, {name: "expiresAt", value: moment(k.ExpiresAt)}}
}

func replayFields(r *hook.Replay) []field {
	return []field{
		{name: "state", value: r.State}, {name: "webhook", value: r.Webhook}, {name: "source", value: r.Source},
		{name: "status", value: r.Statuses}, {name: "itemTypes", value: r.ItemTypes},
		{name: "from", value: moment(r.From)}, {name: "to", value: moment(r.To)}, {name: "rate", value: r.Rate},
	}
}

func memberFields(m *hook.Member) []field {
	return []field{
		{name: "email", value: m.Email}, {name: "name", value: m.Name}, {name: "role", value: m.Role}, {name: "language", value: m.Language},
	}
}

// webhookFields never tell what may be secret, or what is to be gone when the
// webhook is revoked: its entries are kept then.
func webhookFields(w *hook.Webhook) []field {
	schedule := make([]string, len(w.RetrySchedule))
	for i, delay := range w.RetrySchedule {
		schedule[i] = durationText(delay)
	}
	timeout := ""
	if w.Timeout != 0 {
		timeout = durationText(w.Timeout)
	}
	return []field{
		{name: "status", value: w.Status},
		{name: "description", value: w.Description},
		{name: "itemTypes", value: w.ItemTypes},
		{name: "eventTypes", value: w.EventTypes},
		{name: "notices", value: w.Notices},
		{name: "url", value: shownURL(w.URL), hidden: w.URL},
		{name: "stores", value: w.Stores},
		{name: "format", value: w.Format},
		{name: "language", value: w.Language},
		{name: "payload", value: w.Payload},
		{name: "cloudevents", value: w.CloudEvents},
		{name: "signature", value: w.Signature},
		secretField("secret", w.Secrets),
		{name: "retrySchedule", value: schedule},
		{name: "concurrency", value: w.Concurrency},
		{name: "rateLimit", value: w.RateLimit},
		{name: "timeout", value: timeout},
		{name: "onPause", value: w.OnPause},
		{name: "onQuota", value: w.OnQuota},
		secretField("headers", w.Headers),
		secretField("auth", w.Auth),
		{name: "ordering", value: w.Ordering},
		{name: "coalesce", value: w.Coalesce},
		secretField("filter", w.Filter),
	}
}

// shownURL is a URL without what may be secret in it.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return hook.ShownURL(u)
}
