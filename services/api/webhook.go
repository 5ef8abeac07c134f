package api

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Webhook is a webhook as the API shows it.
type Webhook struct {
	ID            string            `json:"id" example:"wh_06h0c5ancmgc2352lmeebjn7ps"`
	Status        string            `json:"status" enum:"active,paused,resuming,disabled,revoked"`
	Circuit       string            `json:"circuit,omitempty" enum:"closed,open,half_open" doc:"Of the sender's breaker; absent while that is not known, and once revoked."`
	Description   string            `json:"description"`
	ItemTypes     []string          `json:"itemTypes" nullable:"false"`
	EventTypes    []string          `json:"eventTypes" nullable:"false" enum:"create,update,delete"`
	Notices       []string          `json:"notices" nullable:"false" enum:"webhook.failing,webhook.disabled,webhook.recovered,quota.exceeded,payloads.expiring,*" doc:"What an operational webhook is told of; empty: it is none."`
	URL           string            `json:"url"`
	Stores        []string          `json:"stores" nullable:"false" doc:"Empty: all."`
	Format        string            `json:"format" enum:"standard,rentman,cassa-in-cloud,cloudevents"`
	Language      string            `json:"language" enum:"en,it"`
	Payload       string            `json:"payload" enum:"thin,full"`
	CloudEvents   string            `json:"cloudevents" enum:"structured,binary"`
	Signature     string            `json:"signature" enum:"hmac-sha256,ed25519"`
	PublicKey     string            `json:"publicKey,omitempty" doc:"Of ed25519: what the receiver verifies with."`
	OldSecret     *time.Time        `json:"oldSecretUntil" doc:"While a secret rotates: when the last of the old ones ends; null: there is none."`
	RetrySchedule []string          `json:"retrySchedule" nullable:"false"`
	Concurrency   int               `json:"concurrency" doc:"0: as many as is good for the receiver."`
	RateLimit     *int              `json:"rateLimit" doc:"The most requests a second; null: there is no limit."`
	Timeout       string            `json:"timeout" example:"15s"`
	OnPause       string            `json:"onPause" enum:"hold,drop"`
	OnQuota       string            `json:"onQuota" enum:"defer,drop"`
	Headers       map[string]string `json:"headers" doc:"Lines of each request's header, beside ours; each value is shown as ***."`
	Auth          Auth              `json:"auth"`
	Ordering      string            `json:"ordering" enum:"none,item"`
	Coalesce      string            `json:"coalesce" enum:"none,item"`
	Filter        *string           `json:"filter" doc:"CEL expression that items have to match; null: all do."`
	FilterErrors  *FilterFailures   `json:"filterErrors,omitempty" doc:"What went wrong with the filter; absent if nothing did lately, and while that is not known."`
	Failures      *int              `json:"failures,omitempty" doc:"Attempts that failed in a row; those that were in flight together when the circuit opened are one. A success resets it, a PATCH with url, and resume. Absent while it is not known."`
	FailingSince  *time.Time        `json:"failingSince" doc:"Start of the first of them; null: there are none."`
	CreatedAt     time.Time         `json:"createdAt"`
	SuspendedAt   *time.Time        `json:"suspendedAt" doc:"When it was paused or disabled; null while it is neither."`
	RevokedAt     *time.Time        `json:"revokedAt" doc:"When it was deleted; null before."`
	Secret        string            `json:"secret,omitempty" doc:"Shown this once, after the creation or the rotation."`
}

// NewWebhook is the body that makes a webhook. WebhookPatch has the same fields,
// none of which is required.
type NewWebhook struct {
	ItemTypes []string `json:"itemTypes,omitempty" nullable:"false" minItems:"1" maxItems:"100" example:"[\"Contact\"]" doc:"In English or Italian; [\"*\"] for all. Required, unless there are notices."`
	URL       string   `json:"url" format:"uri" maxLength:"2048" example:"https://example.com/hooks" doc:"https, unless the operator allows http."`
	WebhookOptions
}

// WebhookPatch is the body that changes a webhook.
type WebhookPatch struct {
	ItemTypes []string `json:"itemTypes,omitempty" nullable:"false" minItems:"1" maxItems:"100" doc:"In English or Italian; [\"*\"] for all."`
	URL       string   `json:"url,omitempty" format:"uri" maxLength:"2048" example:"https://example.com/hooks" doc:"Even the same enables a disabled webhook again."`
	WebhookOptions
}

// WebhookOptions are the fields that have a default.
type WebhookOptions struct {
	Description   string            `json:"description,omitempty" maxLength:"500"`
	EventTypes    []string          `json:"eventTypes,omitempty" nullable:"false" minItems:"1" maxItems:"3" enum:"create,update,delete" doc:"All by default."`
	Notices       []string          `json:"notices,omitempty" nullable:"false" maxItems:"5" enum:"webhook.failing,webhook.disabled,webhook.recovered,quota.exceeded,payloads.expiring,*" doc:"Makes it an operational webhook, for its life, which gets notifications instead of changes; [\"*\"] for all. Then itemTypes, eventTypes, stores, filter, ordering, coalesce and payload are left out, and the format is standard or cloudevents."`
	Stores        []string          `json:"stores,omitempty" nullable:"false" maxItems:"1000" doc:"Stores that it is visible to; empty, the default: all."`
	Format        string            `json:"format,omitempty" enum:"standard,rentman,cassa-in-cloud,cloudevents" doc:"standard by default. cassa-in-cloud has a delivery per item; a webhook cannot change to or from it."`
	Language      string            `json:"language,omitempty" enum:"en,it" doc:"Of a rentman body; en by default."`
	Payload       string            `json:"payload,omitempty" enum:"thin,full" doc:"Of a standard or cloudevents body; thin by default."`
	CloudEvents   string            `json:"cloudevents,omitempty" enum:"structured,binary" doc:"Of the format cloudevents: all in the body, the default, or the data in the body and the rest in headers."`
	Signature     string            `json:"signature,omitempty" enum:"hmac-sha256,ed25519" doc:"Of standard and cloudevents; hmac-sha256 by default."`
	Secret        string            `json:"secret,omitempty" doc:"Your own: standard and cloudevents: whsec_ and base64 of 24 to 64 bytes, or with ed25519 whsk_ and base64 of the key; rentman and cassa-in-cloud: a token of 8 to 256 visible ASCII characters. By default one is made."`
	RetrySchedule []string          `json:"retrySchedule,omitempty" nullable:"false" maxItems:"50" example:"[\"5s\",\"5m\"]" doc:"Delay before each retry, 1s or more, 168h in all; empty: no retries."`
	Concurrency   int               `json:"concurrency,omitempty" minimum:"0" maximum:"1000" doc:"Requests at a time; 0, the default: as many as is good for the receiver."`
	RateLimit     *int              `json:"rateLimit,omitempty" nullable:"true" minimum:"0" maximum:"100000" example:"50" doc:"The most requests a second; null or 0, the default: no limit."`
	Timeout       string            `json:"timeout,omitempty" example:"15s" doc:"Of a whole request, 1s to 30s; 15s by default."`
	OnPause       string            `json:"onPause,omitempty" enum:"hold,drop" doc:"What becomes of deliveries while it is paused: they wait, the default, or are dropped."`
	Headers       map[string]string `json:"headers,omitempty" maxProperties:"30" example:"{\"X-Api-Key\":\"abc123\"}" doc:"Lines for each request's header; none by default. All of them, in a PATCH too; a value *** keeps the one that is there. What the sender sets, and what belongs to the connection, is refused."`
	Auth          *Auth             `json:"auth,omitempty" doc:"How requests prove who sends them, beside the signature; not at all by default. Whole, in a PATCH too."`
	OnQuota       string            `json:"onQuota,omitempty" enum:"defer,drop" doc:"What becomes of deliveries that the account's quota does not allow: they wait for a later period, the default, or are dropped."`
	Ordering      string            `json:"ordering,omitempty" enum:"none,item" doc:"item delivers the changes of one item one after the other; none by default."`
	Coalesce      string            `json:"coalesce,omitempty" enum:"none,item" doc:"item lets a later change of an item take the place of those that wait; none by default."`
	Filter        *string           `json:"filter,omitempty" nullable:"true" maxLength:"4096" example:"item.data.total > 1000.0" doc:"CEL expression over event and item that gives bool; items that do not match are left out. null or empty, the default: all match."`
}

func (s *Service) showWebhook(w hook.Webhook) Webhook {
	schedule := make([]string, len(w.RetrySchedule))
	for i, delay := range w.RetrySchedule {
		schedule[i] = durationText(delay)
	}
	return Webhook{
		ID: w.ID, Status: string(w.Status), Description: w.Description,
		ItemTypes: words(w.ItemTypes), EventTypes: words(w.EventTypes), Notices: words(w.Notices), URL: w.URL, Stores: words(w.Stores),
		Format: string(w.Format), Language: string(w.Language), Payload: string(w.Payload),
		CloudEvents: string(w.CloudEvents), Signature: string(w.Signature), PublicKey: s.publicKey(&w),
		OldSecret:     timeOrNull(oldSecretUntil(&w, s.now())),
		RetrySchedule: schedule, Concurrency: w.Concurrency, RateLimit: countOrNull(w.RateLimit),
		Timeout: durationText(w.Timeout), OnPause: string(w.OnPause), OnQuota: string(w.OnQuota),
		Headers: maskHeaders(w.Headers), Auth: showAuth(w.Auth),
		Ordering: string(w.Ordering), Coalesce: string(w.Coalesce),
		Filter:    textOrNull(w.Filter),
		CreatedAt: w.CreatedAt.UTC(), SuspendedAt: timeOrNull(w.SuspendedAt), RevokedAt: timeOrNull(w.RevokedAt),
	}
}

// newWebhook has every default.
func newWebhook(id, account string, now time.Time) hook.Webhook {
	return hook.Webhook{
		ID: id, Account: account, Version: 1, Status: hook.Active,
		EventTypes: hook.EventTypes, Format: hook.FormatStandard, Language: hook.English, Payload: hook.Thin,
		CloudEvents: hook.Structured, Signature: hook.HMACSHA256,
		RetrySchedule: hook.DefaultRetrySchedule, Timeout: hook.DefaultTimeout,
		OnPause: hook.Hold, OnQuota: hook.Defer, Ordering: hook.Unordered, Coalesce: hook.CoalesceNone, CreatedAt: now,
	}
}
