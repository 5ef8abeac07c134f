package redisstore

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	snapshotv1 "github.com/staffetta/staffetta/proto/staffetta/snapshot/v1"
)

// encode gives the form in which an account lives in Redis.
func encode(s hook.AccountState) ([]byte, error) { return proto.Marshal(message(s)) }

func message(s hook.AccountState) *snapshotv1.Account {
	a := &snapshotv1.Account{
		Id:      s.Account.ID,
		Version: s.Account.Version,
		Name:    s.Account.Name,
		Deleted: s.Account.Deleted,
	}
	if q := s.Account.Quota; q != nil {
		a.QuotaCalls, a.QuotaPeriodMs = q.Calls, q.Period.Milliseconds()
	}
	for _, schema := range s.Schemas {
		a.Schemas = append(a.Schemas, &snapshotv1.ItemSchema{ItemType: schema.ItemType, Schema: schema.Schema})
	}
	for i := range s.Webhooks {
		w := &s.Webhooks[i]
		a.Webhooks = append(a.Webhooks, &snapshotv1.Webhook{
			Id:              w.ID,
			Status:          string(w.Status),
			ItemTypes:       w.ItemTypes,
			EventTypes:      strings(w.EventTypes),
			Url:             w.URL,
			Stores:          w.Stores,
			Format:          string(w.Format),
			Language:        string(w.Language),
			Payload:         string(w.Payload),
			Secrets:         w.Secrets,
			RetryScheduleMs: milliseconds(w.RetrySchedule),
			TimeoutMs:       w.Timeout.Milliseconds(),
			OnPause:         string(w.OnPause),
			Concurrency:     int32(w.Concurrency),
			RateLimit:       int32(w.RateLimit),
			OnQuota:         string(w.OnQuota),
			Filter:          w.Filter,
			SecretsUntilMs:  unixMilliseconds(w.SecretsUntil),
			Cloudevents:     modeText(w.CloudEvents),
			Headers:         headersOut(w.Headers),
			Auth:            authOut(w.Auth),
			Ordering:        string(w.Ordering),
			Coalesce:        string(w.Coalesce),
			Notices:         strings(w.Notices),
		})
	}
	return a
}

// decode is encode's inverse, but for what the cache does not carry:
// descriptions, versions, dates and algorithms of webhooks.
func decode(blob []byte) (hook.AccountState, error) {
	var a snapshotv1.Account
	if err := proto.Unmarshal(blob, &a); err != nil {
		return hook.AccountState{}, fmt.Errorf("decode account from redis: %w", err)
	}
	s := hook.AccountState{Account: hook.Account{
		ID: a.GetId(), Version: a.GetVersion(), Name: a.GetName(), Deleted: a.GetDeleted(),
	}}
	if a.GetQuotaCalls() > 0 {
		s.Account.Quota = &hook.Quota{
			Calls: a.GetQuotaCalls(), Period: time.Duration(a.GetQuotaPeriodMs()) * time.Millisecond,
		}
	}
	for _, schema := range a.GetSchemas() {
		s.Schemas = append(s.Schemas, hook.ItemSchema{ItemType: schema.GetItemType(), Schema: schema.GetSchema()})
	}
	if n := len(a.GetWebhooks()); n > 0 {
		s.Webhooks = make([]hook.Webhook, n)
	}
	shared := words{}
	for i, w := range a.GetWebhooks() {
		to := &s.Webhooks[i]
		*to = hook.Webhook{
			ID:            w.GetId(),
			Account:       a.GetId(),
			Status:        hook.Status(shared.word(w.GetStatus())),
			ItemTypes:     shared.each(w.GetItemTypes()),
			EventTypes:    named[hook.EventType](shared.each(w.GetEventTypes())),
			URL:           w.GetUrl(),
			Stores:        shared.each(w.GetStores()),
			Format:        hook.Format(shared.word(w.GetFormat())),
			Language:      hook.Language(shared.word(w.GetLanguage())),
			Payload:       hook.Payload(shared.word(w.GetPayload())),
			Secrets:       w.GetSecrets(),
			RetrySchedule: durations(w.GetRetryScheduleMs()),
			Timeout:       time.Duration(w.GetTimeoutMs()) * time.Millisecond,
			OnPause:       hook.OnPause(shared.word(w.GetOnPause())),
			Concurrency:   int(w.GetConcurrency()),
			RateLimit:     int(w.GetRateLimit()),
			OnQuota:       hook.OnQuota(shared.word(w.GetOnQuota())),
			Filter:        shared.word(w.GetFilter()),
			SecretsUntil:  times(w.GetSecretsUntilMs()),
			CloudEvents:   hook.CloudEvents(shared.word(w.GetCloudevents())),
			Headers:       headersIn(w.GetHeaders()),
			Auth:          authIn(w.GetAuth()),
			Ordering:      hook.Ordering(shared.word(w.GetOrdering())),
			Coalesce:      hook.Coalesce(shared.word(w.GetCoalesce())),
			Notices:       notices(shared.each(w.GetNotices())),
		}
		if i > 0 {
			shareLists(to, &s.Webhooks[i-1])
		}
	}
	return s, nil
}

// words gives equal texts of an account the same memory: the decoder makes a
// new copy of "standard" for each webhook.
type words map[string]string

func (w words) word(text string) string {
	if known, ok := w[text]; ok {
		return known
	}
	w[text] = text
	return text
}

func (w words) each(texts []string) []string {
	for i, t := range texts {
		texts[i] = w.word(t)
	}
	return texts
}

// shareLists makes a webhook share the lists that it has in common with the one
// before: most of an account's are alike. Nobody writes to what was mirrored.
func shareLists(w, before *hook.Webhook) {
	w.ItemTypes = alike(w.ItemTypes, before.ItemTypes)
	w.EventTypes = alike(w.EventTypes, before.EventTypes)
	w.Stores = alike(w.Stores, before.Stores)
	w.RetrySchedule = alike(w.RetrySchedule, before.RetrySchedule)
}

func alike[T comparable](list, before []T) []T {
	if slices.Equal(list, before) {
		return before
	}
	return list
}

func strings[S ~string](from []S) []string {
	to := make([]string, len(from))
	for i, s := range from {
		to[i] = string(s)
	}
	return to
}

func named[S ~string](from []string) []S {
	to := make([]S, len(from))
	for i, s := range from {
		to[i] = S(s)
	}
	return to
}

// notices is nil for none, as most webhooks have it.
func notices(from []string) []hook.Notice {
	if len(from) == 0 {
		return nil
	}
	return named[hook.Notice](from)
}

func milliseconds(from []time.Duration) []int64 {
	to := make([]int64, len(from))
	for i, d := range from {
		to[i] = d.Milliseconds()
	}
	return to
}

// modeText leaves out what most webhooks have.
func modeText(mode hook.CloudEvents) string {
	if mode == hook.Structured {
		return ""
	}
	return string(mode)
}

func unixMilliseconds(from []time.Time) []int64 {
	to := make([]int64, len(from))
	for i, t := range from {
		to[i] = t.UnixMilli()
	}
	return to
}

// times is nil for none: most webhooks have one secret.
func times(from []int64) []time.Time {
	if len(from) == 0 {
		return nil
	}
	to := make([]time.Time, len(from))
	for i, ms := range from {
		to[i] = time.UnixMilli(ms)
	}
	return to
}

func durations(from []int64) []time.Duration {
	to := make([]time.Duration, len(from))
	for i, ms := range from {
		to[i] = time.Duration(ms) * time.Millisecond
	}
	return to
}
