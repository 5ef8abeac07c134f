package hook

import (
	"net/url"
	"slices"
	"time"
)

// Status is where a webhook is in its life.
type Status string

// The states of a webhook.
const (
	Active Status = "active"
	// Paused by a person: deliveries are held or dropped, see OnPause.
	Paused Status = "paused"
	// Resuming delivers what was held, oldest first, before it is active.
	Resuming Status = "resuming"
	// Disabled by the system, after too many failures in a row.
	Disabled Status = "disabled"
	// Revoked is final: deleted, kept for the history.
	Revoked Status = "revoked"
)

// Statuses lists every Status.
var Statuses = []Status{Active, Paused, Resuming, Disabled, Revoked}

// Language of the words in a body of the rentman format.
type Language string

// The languages.
const (
	English Language = "en"
	Italian Language = "it"
)

// Languages lists every Language.
var Languages = []Language{English, Italian}

// Payload says how much of each item a body of the formats standard and cloudevents
// carries.
type Payload string

// The payloads.
const (
	// Thin carries ids, refs, versions and parents.
	Thin Payload = "thin"
	// Full carries each item's data too.
	Full Payload = "full"
)

// Payloads lists every Payload.
var Payloads = []Payload{Thin, Full}

// OnPause says what becomes of deliveries while a webhook is paused.
type OnPause string

// The choices for OnPause.
const (
	Hold OnPause = "hold"
	Drop OnPause = "drop"
)

// OnPauses lists every OnPause.
var OnPauses = []OnPause{Hold, Drop}

// OnQuota says what becomes of deliveries that the account's quota does not
// allow now.
type OnQuota string

// The choices for OnQuota.
const (
	// Defer lets them wait for a later period.
	Defer OnQuota = "defer"
	// DropOverQuota drops them; the log says so.
	DropOverQuota OnQuota = "drop"
)

// OnQuotas lists every OnQuota.
var OnQuotas = []OnQuota{Defer, DropOverQuota}

// Ordering says in which order the changes of one item are delivered.
type Ordering string

// The choices for Ordering.
const (
	// Unordered delivers each change as soon as it may be.
	Unordered Ordering = "none"
	// OrderedByItem delivers the changes of one item one after the other, in the
	// order of their source.
	OrderedByItem Ordering = "item"
)

// Orderings lists every Ordering.
var Orderings = []Ordering{Unordered, OrderedByItem}

// Coalesce says what becomes of changes that wait when a later one of the same
// item comes.
type Coalesce string

// The choices for Coalesce.
const (
	// CoalesceNone delivers each of them.
	CoalesceNone Coalesce = "none"
	// CoalesceByItem lets the later one take their place.
	CoalesceByItem Coalesce = "item"
)

// Coalesces lists every Coalesce.
var Coalesces = []Coalesce{CoalesceNone, CoalesceByItem}

// Quota is how many requests an account may make in each period. Periods are
// counted from the Unix epoch, so that they begin for everybody at once: with
// an hour, on the hour in UTC.
type Quota struct {
	// Calls allowed in a period, at least 1.
	Calls int64
	// Period is its length, at least MinQuotaPeriod and at most MaxQuotaPeriod,
	// in whole seconds.
	Period time.Duration
}

// At is the period that a moment lies in; to is the start of the next.
func (q Quota) At(moment time.Time) (from, to time.Time) {
	length := q.Period.Milliseconds()
	if length <= 0 {
		return moment, moment
	}
	start := moment.UnixMilli() / length * length
	return time.UnixMilli(start).UTC(), time.UnixMilli(start + length).UTC()
}

// Limits of a quota's period.
const (
	MinQuotaPeriod = time.Second
	MaxQuotaPeriod = 31 * 24 * time.Hour
)

// MaxRateLimit bounds Webhook.RateLimit.
const MaxRateLimit = 100_000

// Limits and defaults of a webhook's settings (DESIGN.md, "The sender's rule").
const (
	// DefaultTimeout is the time for one whole attempt.
	DefaultTimeout = 15 * time.Second
	// MaxTimeout bounds Timeout: a member that stops drains for that long.
	MaxTimeout = 30 * time.Second
	// MaxRetrySpan bounds the sum of a retry schedule; a tier keeps its
	// records for its delay + 7 days.
	MaxRetrySpan = 7 * 24 * time.Hour
	// MaxRetries bounds the length of a retry schedule.
	MaxRetries = 50
	// MinRetryDelay is the shortest delay that a tier can make.
	MinRetryDelay = time.Second
)

// DefaultRetrySchedule is the delay before each retry; the first attempt is
// made at once. 75 h 35 min 5 s in all (DESIGN.md).
var DefaultRetrySchedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Account is a tenant.
type Account struct {
	// ID matches [A-Za-z0-9._-]{1,64}.
	ID string
	// Name is what receivers of the rentman format see; never empty.
	Name string
	// Version rises with every change of the account or of a webhook of it.
	Version int64
	// Deleted accounts stay as tombstones, so that absence means nothing.
	Deleted   bool
	CreatedAt time.Time
	// Quota bounds the account's requests; nil: there is no limit.
	Quota *Quota
	// Streak says what follows from failures in a row; nil: the installation's rule.
	Streak *StreakRule
}

// Webhook is a tenant's subscription.
type Webhook struct {
	// ID is "wh_" and 26 characters, rising with time.
	ID      string
	Account string
	// Version rises with every change of this webhook, from 1, but not when a resumption
	// ends, which somebody has asked for before; it is the ETag.
	Version     int64
	Status      Status
	Description string
	// ItemTypes to be told of, at least one; AnyItemType for all. None if it is
	// operational.
	ItemTypes []string
	// EventTypes to be told of, at least one. None if it is operational.
	EventTypes []EventType
	// Notices to be told of, or AnyNotice alone; empty for most. A webhook that has
	// some is operational, for its life: it gets them, and no changes of items.
	Notices []Notice
	URL     string
	// Stores that it is visible to; empty: all.
	Stores   []string
	Format   Format
	Language Language
	Payload  Payload
	// CloudEvents is the mode of the format of that name; empty: Structured.
	CloudEvents CloudEvents
	// Signature is the algorithm; empty where secrets tell it by themselves, in the
	// cache.
	Signature Signature
	// Secrets sign the requests, sealed (see package seal), current one first.
	Secrets [][]byte
	// SecretsUntil are the ends of those behind the first, which sign beside it until
	// then; newest first.
	SecretsUntil []time.Time
	// Headers go with each request, beside ours; their values are sealed.
	Headers []SealedHeader
	// Auth proves who sends; nil: nothing but the signature.
	Auth *Auth
	// RetrySchedule is the delay before each retry, after the first attempt at
	// once; empty: no retries.
	RetrySchedule []time.Duration
	// Timeout of one whole attempt.
	Timeout time.Duration
	// Concurrency is the number of requests at a time; 0: the sender's choice.
	Concurrency int
	// RateLimit is the most requests a second, at most MaxRateLimit; 0: none.
	RateLimit int
	OnPause   OnPause
	OnQuota   OnQuota
	Ordering  Ordering
	Coalesce  Coalesce
	// Filter is the CEL expression that items have to match (see package filter);
	// empty: all do.
	Filter string

	CreatedAt time.Time
	// SuspendedAt is when it was paused or disabled; zero while it is neither.
	SuspendedAt time.Time
	// RevokedAt is when it was deleted; zero before.
	RevokedAt time.Time
	// EnabledAt is when its URL was saved or it was resumed last: what its receiver
	// answered before that disables it no more.
	EnabledAt time.Time
}

// Operational reports whether the webhook is told of notices rather than of changes.
// Its deliveries count for neither quota nor usage, and no notice about it goes to any
// operational webhook.
func (w *Webhook) Operational() bool { return len(w.Notices) > 0 }

// Wants reports whether the webhook's subscription covers the event: its item
// type, event type and store, or its notice. The status does not count: what arrives
// for a paused webhook is held.
func (w *Webhook) Wants(e *Event) bool {
	if e.Type == NoticeEvent {
		return slices.Contains(w.Notices, AnyNotice) || slices.Contains(w.Notices, Notice(e.ItemType))
	}
	return slices.Contains(w.EventTypes, e.Type) &&
		(slices.Contains(w.ItemTypes, AnyItemType) || slices.Contains(w.ItemTypes, e.ItemType)) &&
		(e.Store == "" || len(w.Stores) == 0 || slices.Contains(w.Stores, e.Store))
}

// ShownURL is a URL as the log keeps it: without what may be secret in it, the
// user information, the query and the fragment.
func ShownURL(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.ForceQuery, shown.Fragment = nil, "", false, ""
	return shown.String()
}
