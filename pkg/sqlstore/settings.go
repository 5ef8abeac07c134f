package sqlstore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const webhookColumns = `id, account, version, status, settings, created_at`

// settings is the JSON in the column of that name: a field that is added later
// needs no migration, as its zero value is what older rows mean.
type settings struct {
	Description   string              `json:"description,omitempty"`
	ItemTypes     []string            `json:"itemTypes"`
	EventTypes    []hook.EventType    `json:"eventTypes"`
	Notices       []hook.Notice       `json:"notices,omitempty"` // empty: not operational
	URL           string              `json:"url"`
	Stores        []string            `json:"stores,omitempty"`
	Format        hook.Format         `json:"format"`
	Language      hook.Language       `json:"language"`
	Payload       hook.Payload        `json:"payload"`
	CloudEvents   hook.CloudEvents    `json:"cloudevents,omitempty"` // empty: hook.Structured
	Signature     hook.Signature      `json:"signature,omitempty"`   // empty: hook.HMACSHA256
	Secrets       [][]byte            `json:"secrets,omitempty"`
	SecretsUntil  []int64             `json:"secretsUntil,omitempty"` // Unix microseconds
	Headers       []hook.SealedHeader `json:"headers,omitempty"`
	Auth          *hook.Auth          `json:"auth,omitempty"`
	RetrySchedule []time.Duration     `json:"retrySchedule,omitempty"` // nanoseconds
	Timeout       time.Duration       `json:"timeout"`                 // nanoseconds
	Concurrency   int                 `json:"concurrency,omitempty"`
	RateLimit     int                 `json:"rateLimit,omitempty"`
	OnPause       hook.OnPause        `json:"onPause"`
	OnQuota       hook.OnQuota        `json:"onQuota,omitempty"`  // empty: hook.Defer
	Ordering      hook.Ordering       `json:"ordering,omitempty"` // empty: hook.Unordered
	Coalesce      hook.Coalesce       `json:"coalesce,omitempty"` // empty: hook.CoalesceNone
	Filter        string              `json:"filter,omitempty"`
	SuspendedAt   int64               `json:"suspendedAt,omitempty"` // Unix microseconds
	RevokedAt     int64               `json:"revokedAt,omitempty"`   // Unix microseconds
	EnabledAt     int64               `json:"enabledAt,omitempty"`   // Unix microseconds
}

func marshalSettings(w hook.Webhook) (string, error) {
	if w.Status == hook.Revoked {
		// Nothing is signed for it any more, and what may be private is gone.
		w.Secrets, w.SecretsUntil, w.Headers, w.Auth, w.Filter = nil, nil, nil, nil, ""
		w.URL = shownURL(w.URL)
	}
	text, err := json.Marshal(settings{
		Description: w.Description, ItemTypes: w.ItemTypes, EventTypes: w.EventTypes, Notices: w.Notices, URL: w.URL, Stores: w.Stores,
		Format: w.Format, Language: w.Language, Payload: w.Payload, Secrets: w.Secrets,
		Headers: w.Headers, Auth: w.Auth,
		RetrySchedule: w.RetrySchedule, Timeout: w.Timeout, Concurrency: w.Concurrency, RateLimit: w.RateLimit,
		OnPause: w.OnPause, OnQuota: w.OnQuota, Signature: w.Signature, CloudEvents: w.CloudEvents, SecretsUntil: manyMicros(w.SecretsUntil),
		Ordering: w.Ordering, Coalesce: w.Coalesce,
		Filter:      w.Filter,
		SuspendedAt: database.Micros(w.SuspendedAt), RevokedAt: database.Micros(w.RevokedAt),
		EnabledAt: database.Micros(w.EnabledAt),
	})
	if err != nil {
		return "", fmt.Errorf("settings of webhook %q: %w", w.ID, err)
	}
	return string(text), nil
}

func unmarshalSettings(text string, w *hook.Webhook) error {
	var v settings
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return fmt.Errorf("settings of webhook %q: %w", w.ID, err)
	}
	w.Description, w.ItemTypes, w.EventTypes, w.URL, w.Stores = v.Description, v.ItemTypes, v.EventTypes, v.URL, v.Stores
	w.Notices = v.Notices
	w.Format, w.Language, w.Payload, w.Secrets = v.Format, v.Language, v.Payload, v.Secrets
	w.Headers, w.Auth = v.Headers, v.Auth
	w.RetrySchedule, w.Timeout, w.Concurrency, w.RateLimit = v.RetrySchedule, v.Timeout, v.Concurrency, v.RateLimit
	w.OnPause, w.OnQuota = v.OnPause, cmp.Or(v.OnQuota, hook.Defer)
	w.Signature, w.CloudEvents = cmp.Or(v.Signature, hook.HMACSHA256), cmp.Or(v.CloudEvents, hook.Structured)
	w.SecretsUntil = manyTimes(v.SecretsUntil)
	w.Ordering, w.Coalesce = cmp.Or(v.Ordering, hook.Unordered), cmp.Or(v.Coalesce, hook.CoalesceNone)
	w.Filter = v.Filter
	w.SuspendedAt, w.RevokedAt = database.Time(v.SuspendedAt), database.Time(v.RevokedAt)
	w.EnabledAt = database.Time(v.EnabledAt)
	return nil
}

func manyMicros(times []time.Time) (micros []int64) {
	for _, t := range times {
		micros = append(micros, database.Micros(t))
	}
	return micros
}

func manyTimes(micros []int64) (times []time.Time) {
	for _, us := range micros {
		times = append(times, database.Time(us))
	}
	return times
}

func scanWebhook(scan func(...any) error) (hook.Webhook, error) {
	var w hook.Webhook
	var text string
	var created int64
	if err := scan(&w.ID, &w.Account, &w.Version, &w.Status, &text, &created); err != nil {
		return hook.Webhook{}, err
	}
	w.CreatedAt = database.Time(created)
	return w, unmarshalSettings(text, &w)
}

// normal is the webhook as a later read gives it, sharing no memory with w.
func normal(w hook.Webhook) (hook.Webhook, error) {
	text, err := marshalSettings(w)
	if err != nil {
		return hook.Webhook{}, err
	}
	w.CreatedAt = database.Time(database.Micros(w.CreatedAt))
	return w, unmarshalSettings(text, &w)
}
