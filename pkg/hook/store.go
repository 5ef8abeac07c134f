package hook

import (
	"context"
	"time"
)

// Scope is what an API key may do.
type Scope string

// The scopes of CONTRACT.md, "Who may".
const (
	ScopeRead     Scope = "read"
	ScopeWrite    Scope = "write"
	ScopePublish  Scope = "publish"
	ScopeSettings Scope = "settings"
)

// Scopes lists every Scope.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopePublish, ScopeSettings}

// Key is an API key of an account. The key itself is shown once and kept as
// its SHA-256 only: it has 256 random bits, so a slow hash would add nothing.
type Key struct {
	// ID is "key_" and 26 characters.
	ID        string
	Account   string
	Name      string
	Scopes    []Scope
	Hash      [32]byte
	CreatedAt time.Time
	// ExpiresAt is zero for a key that does not expire.
	ExpiresAt time.Time
	// LastUsedAt is when it was used last, to KeyUseGrain; zero: never.
	LastUsedAt time.Time
}

// KeyUseGrain is how exact Key.LastUsedAt is, so that a key that is used all the time is
// written once in that span.
const KeyUseGrain = time.Minute

// Page bounds a list. Lists are ordered newest first.
type Page struct {
	// Limit is the most rows to return, at least 1.
	Limit int
	// After is the cursor that the page before returned; empty for the first.
	After string
}

// Accounts is the store of tenants.
type Accounts interface {
	// CreateAccount adds an account. ErrConflict if the id is or was taken.
	CreateAccount(ctx context.Context, a Account) (Account, error)
	// Account returns one. ErrNotFound also for a deleted one.
	Account(ctx context.Context, id string) (Account, error)
	// Accounts lists those that are not deleted, by id, and the next cursor,
	// empty at the end.
	Accounts(ctx context.Context, p Page) ([]Account, string, error)
	// UpdateAccount changes one in a transaction: change gets the current state
	// and edits its name, quota and streak; its error aborts and is returned.
	// ErrNotFound. A change that edits nothing raises no version; any other
	// does, which queues the account for publication to the cache.
	UpdateAccount(ctx context.Context, id string, change func(*Account) error) (Account, error)
	// DeleteAccount revokes its webhooks and keys, and leaves the rest of what it has to
	// an Eraser. Its id is never free again. ErrNotFound.
	DeleteAccount(ctx context.Context, id string) error
	// Erasure tells how far that is. ErrNotFound unless the account was deleted.
	Erasure(ctx context.Context, id string) (Erasure, error)
}

// Keys is the store of API keys.
type Keys interface {
	// CreateKey adds a key. ErrNotFound if the account is not there.
	CreateKey(ctx context.Context, k Key) error
	// KeyByHash returns the key with this hash, expired ones too. ErrNotFound
	// if there is none, or it was revoked, or its account deleted.
	KeyByHash(ctx context.Context, hash [32]byte) (Key, error)
	// Keys lists an account's keys, newest first, and the next cursor.
	Keys(ctx context.Context, account string, p Page) ([]Key, string, error)
	// RevokeKey deletes one. ErrNotFound.
	RevokeKey(ctx context.Context, account, id string) error
	// KeysUsed notes when keys were used, by their ids; a time before what is noted
	// changes nothing, and so does a key that is not there.
	KeysUsed(ctx context.Context, uses map[string]time.Time) error
}

// WebhookFilter narrows a list of webhooks, and says in which order it is. The zero
// value is all but the revoked, newest first.
type WebhookFilter struct {
	// Status: only those; empty: all but the revoked.
	Status Status
	// Search: those whose description, URL, id or an item type contains it, whatever the
	// case of letters, or which have one of SearchTypes, other names of which contain it;
	// empty: all.
	Search      string
	SearchTypes []string
	// ItemType, EventType and Store: those that are told of its changes, those of all
	// item types or of all stores too; empty: all. AnyItemType: those of all item types.
	ItemType  string
	EventType EventType
	Store     string
	// Sort is the order; empty: ByCreation. Reverse turns it round.
	Sort    WebhookSort
	Reverse bool
}

// WebhookSort is what a list of webhooks is ordered by. Those of which it is the same
// are in the order of their ids.
type WebhookSort string

// The orders. Of times the latest is first, and webhooks that have none come last, in the
// reverse order too. Of texts the first is that of the lowest letters, whose case does
// not matter within ASCII.
const (
	ByCreation    WebhookSort = "createdAt"
	ByDescription WebhookSort = "description"
	ByURL         WebhookSort = "url"
	ByStatus      WebhookSort = "status"
	BySuspension  WebhookSort = "suspendedAt"
	ByRevocation  WebhookSort = "revokedAt"
)

// Webhooks is the store of subscriptions. Every change of one raises its
// version and its account's, and queues the account for publication to the
// cache in the same transaction.
type Webhooks interface {
	// CreateWebhook adds one as given, with Version 1. ErrNotFound if the
	// account is not there.
	CreateWebhook(ctx context.Context, w Webhook) (Webhook, error)
	// Webhook returns one, a revoked one too. ErrNotFound.
	Webhook(ctx context.Context, account, id string) (Webhook, error)
	// Webhooks lists an account's, in the order of the filter, and the next cursor, with
	// which the same order goes on. Invalid: the cursor is none of that order.
	Webhooks(ctx context.Context, account string, f WebhookFilter, p Page) ([]Webhook, string, error)
	// UpdateWebhook changes one in a transaction: change gets the current
	// state and edits it; its error aborts and is returned. ErrNotFound;
	// ErrRevoked if it is revoked already; ErrStale if version is not 0 and
	// not the current one. A change that edits nothing raises no version.
	UpdateWebhook(ctx context.Context, account, id string, version int64, change func(*Webhook) error) (Webhook, error)
}

// AccountState is an account with its live webhooks and its schemas, as published
// to the cache.
type AccountState struct {
	Account  Account
	Webhooks []Webhook // those not revoked, by id
	// Schemas by item type; mostly none.
	Schemas []ItemSchema
}

// StateDigest sums up all accounts, so that two copies can be compared: equal
// digests mean equal copies, because versions only rise.
type StateDigest struct {
	Accounts int64 // deleted ones too
	Versions int64 // the sum of all their versions
}

// Publications is the outbox between the store and the cache: accounts whose
// change the cache may not have seen. A crash between the two loses nothing,
// since an account stays queued until its publication is confirmed.
type Publications interface {
	// Unpublished returns at most limit queued accounts in their current state.
	Unpublished(ctx context.Context, limit int) ([]AccountState, error)
	// Published takes accounts off the queue, each unless it changed since.
	Published(ctx context.Context, states []AccountState) error
	// States walks all accounts, deleted ones too, by id, in pages: those
	// after the given id.
	States(ctx context.Context, after string, limit int) ([]AccountState, error)
	// AccountPublished reports whether the cache has an account as it is now, or had
	// it so. ErrNotFound.
	AccountPublished(ctx context.Context, id string) (bool, error)
	// Digest sums up all accounts. ok is false while some are queued.
	Digest(ctx context.Context) (d StateDigest, ok bool, err error)
}

// DeliveryStatus is a delivery's state as people see it: a Fate, or pending.
type DeliveryStatus string

// Delivery is the log's row of one delivery: its last known state.
type Delivery struct {
	ID        string
	Account   string
	Webhook   string
	Event     string
	EventType EventType
	ItemType  string
	Items     []string
	Store     string
	Status    Fate
	Reason    Reason
	// Run and Attempts are those of the newest run.
	Run      int64
	Attempts int
	// StatusCode is the last answer's; 0 without one.
	StatusCode int
	Bundle     Coordinates
	Source     Coordinates
	Published  time.Time
	// UpdatedAt is the time of the last attempt or fate.
	UpdatedAt time.Time
	// Due is when the next attempt is due; zero if none.
	Due     time.Time
	TraceID string
	// Test: somebody tried the webhook out.
	Test bool
	// Ordered says that the webhook asks for the order of its items' changes;
	// Recorder.Releasable alone tells.
	Ordered bool
}

// DeliveryFilter narrows a list of deliveries; zero fields do not narrow.
type DeliveryFilter struct {
	// Statuses: any of them.
	Statuses []Fate
	Webhook  string
	ItemType string
	ItemID   string
	EventID  string
	Store    string
	// Reason is that of the last attempt, or of what there was instead.
	Reason Reason
	// From (inclusive) and To (exclusive) bound Published.
	From, To time.Time
}

// Log is the readers' side of the delivery log.
type Log interface {
	// Deliveries lists an account's, newest published first, and the next
	// cursor, empty at the end.
	Deliveries(ctx context.Context, account string, f DeliveryFilter, p Page) ([]Delivery, string, error)
	// Delivery returns one, of several of one id the newest. ErrNotFound.
	Delivery(ctx context.Context, account, id string) (Delivery, error)
	// Attempts returns all attempts and fates of a delivery, oldest first; of several of
	// one id all of them. ErrNotFound.
	Attempts(ctx context.Context, account, id string) ([]Attempt, error)
}

// Discards gives exhausted deliveries up: they are cancelled then, with ReasonDiscarded,
// in a run that is newer than what they had and older than what asks for them now.
type Discards interface {
	// DiscardDelivery discards one. ErrNotFound; ErrStale if it is not exhausted, or
	// discarded already, which is no error.
	DiscardDelivery(ctx context.Context, account, id string) error
	// DiscardDeliveries discards those of the exhausted that a filter finds, whatever
	// its Statuses, the newest first and at most limit, and returns how many; more says
	// that there are others.
	DiscardDeliveries(ctx context.Context, account string, f DeliveryFilter, limit int) (discarded int, more bool, err error)
}

// Recorded is one record of the topic attempts with its place.
type Recorded struct {
	Offset  int64
	Attempt Attempt
}

// Marker is a record of attempts that says that the sender has seen a webhook as
// it was at a version of its account, resuming: what it decides from then on it
// decides knowing that (DESIGN.md, "Health of a webhook").
type Marker struct {
	Account, Webhook string
	// Version is the account's.
	Version int64
}

// Range is what a partition of attempts holds from one offset to another.
type Range struct {
	Partition int
	// From is the partition's offset in the log, To where it moves to: the
	// offset after the last one.
	From, To int64
	// Records are in the order of their offsets; some offsets hold none.
	Records []Recorded
	// Markers are those among them, in their order.
	Markers []Marker
}

// Recorder is the writers' side of the log.
type Recorder interface {
	// NextOffset is where to go on reading a partition of attempts: 0 if
	// nothing was recorded yet.
	NextOffset(ctx context.Context, partition int) (int64, error)
	// Record writes the records of some partitions, each at most once, and moves
	// the partitions' offsets, in one transaction, so that a crash neither loses
	// nor doubles a row. An event that is published again under its id on another day
	// (UTC) leads to deliveries of their own there, under the ids of the first ones.
	// A delivery that was published more than 15 days before it is first recorded, or
	// a day after, by a clock that was wrong, counts as published then. ErrStale if an offset is not at its From: somebody else
	// has the partition now; nothing is written then. Records that are in the log
	// already change nothing, and count for no usage. Usage and series are written
	// in the same transaction, and are what the log's rows say.
	// A record of an older run than the delivery's row leaves the row. One whose
	// receiver is gone (ReasonGone: it answered 410) disables its webhook, unless
	// the URL is another one by now; so do failures in a row, by the account's
	// StreakRule. Notifications of that, and of a quota that is used up, are written
	// with it. A test counts for nothing, and a delivery of a notice (NoticeEvent) for
	// no usage. Nothing is written of an account that was deleted.
	Record(ctx context.Context, ranges []Range) error
	// Releasable returns at most limit held deliveries, oldest first and in the order
	// of their source among those of one time, of
	// webhooks that are active, or resuming with a marker since then, or revoked, so that
	// the sender cancels them, and on the given partitions of deliveries (Bundle.Partition).
	Releasable(ctx context.Context, partitions []int, limit int) ([]Delivery, error)
	// Released notes that deliveries were sent on their way in a new run: they
	// are retrying from now, unless the row's run is newer.
	Released(ctx context.Context, deliveries []Delivery, run int64) error
	// FinishResuming makes those webhooks active that are resuming, with a marker
	// since then, and have no held delivery left: those of which caughtUp says that
	// the log has what their sender wrote.
	FinishResuming(ctx context.Context, caughtUp func(webhook string) bool) error
	// NotifyExpiring tells the members of webhooks that hold deliveries whose
	// payloads expire, once for each time that a webhook is suspended.
	NotifyExpiring(ctx context.Context, e Expiring) error
	// ForgetNotifications deletes those from before a time, with their mails, and what is
	// left of revoked webhooks' streaks.
	ForgetNotifications(ctx context.Context, before time.Time) error
	// SettleUsage adds up what all webhooks of an account did together in each step and
	// period that is over, of accounts with so many that readers would wait for it. What
	// is recorded later is in what they read all the same. It does little each time if it
	// is called often; several may call it at the same time.
	SettleUsage(ctx context.Context) error
	// ExpireUsage deletes the usage that is older than it is kept (HourlyKept,
	// DailyKept).
	ExpireUsage(ctx context.Context, now time.Time) error
}

// DefaultLogRetention is how long the log keeps a delivery (CONTRACT.md, "Retention").
// MinLogRetention is longer than anything waits in Kafka, so that nothing is removed
// that is under way.
const (
	DefaultLogRetention = 90 * 24 * time.Hour
	MinLogRetention     = 15 * 24 * time.Hour
)

// LogKeeper looks after the log while others write and read it. Several may do it at
// once, for nothing.
type LogKeeper interface {
	// MakeLogRoom makes room for today and the days to come. Whatever comes without it
	// makes its own room, later.
	MakeLogRoom(ctx context.Context) error
	// KeepLog makes room, and does one piece of what else there is to do: it removes
	// some of the deliveries that were published longer ago than keep, with their
	// attempts, or prepares a day that is over for searches. more says that there may
	// be another piece. What fails is to be tried again later.
	KeepLog(ctx context.Context, keep time.Duration) (more bool, err error)
}

// Usage is what one webhook was charged in one period of its account's quota;
// in a day of UTC for an account that has none.
type Usage struct {
	// Webhook is empty for the sum of all of the account.
	Webhook string
	// From and To bound the period.
	From, To time.Time
	// Executed is the number of requests made in the period.
	Executed int64
	// Executable is how many more the quota would have allowed the account in
	// the period, at least 0; nil: there was no limit.
	Executable *int64
	// Deferred and Dropped are deliveries that the quota did not allow.
	Deferred, Dropped int64
}

// Exceeded reports whether the quota kept a delivery back.
func (u Usage) Exceeded() bool { return u.Deferred+u.Dropped > 0 }

// UsageFilter narrows a list of usage.
type UsageFilter struct {
	// Webhook: only its; empty: all.
	Webhook string
	// Totals: one row for each period, of all webhooks.
	Totals bool
	// From and To bound the start of the period; zero: unbounded.
	From, To time.Time
	// Exceeded: only periods in which the quota kept a delivery back.
	Exceeded bool
}

// Usages is the store of usage, which Recorder.Record fills.
type Usages interface {
	// Usage lists an account's, newest period first, then by webhook, and the
	// next cursor.
	Usage(ctx context.Context, account string, f UsageFilter, p Page) ([]Usage, string, error)
	// Series lists the steps in which there was something, oldest first.
	Series(ctx context.Context, account string, f SeriesFilter) ([]UsageStep, error)
}
