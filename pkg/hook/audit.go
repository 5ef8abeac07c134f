package hook

import (
	"context"
	"encoding/json"
	"time"
)

// ActorKind is what somebody is who makes a change.
type ActorKind string

// The kinds of an actor.
const (
	// ActorSystem is the installation itself: nobody asked for the change.
	ActorSystem ActorKind = "system"
	// ActorAdmin has the operator's key.
	ActorAdmin ActorKind = "admin"
	// ActorKey is an API key.
	ActorKey ActorKind = "key"
	// ActorPortal came by a portal link.
	ActorPortal ActorKind = "portal"
	// ActorMember is a member who signed in to the portal.
	ActorMember ActorKind = "member"
)

// ActorKinds lists every ActorKind.
var ActorKinds = []ActorKind{ActorSystem, ActorAdmin, ActorKey, ActorPortal, ActorMember}

// Actor is who makes a change.
type Actor struct {
	// Kind; empty means ActorSystem.
	Kind ActorKind
	// ID is that of the key, the portal link or the member; else empty.
	ID string
	// Name is the key's, or the person's, as it was then; may be empty.
	Name string
}

// Origin is where a change comes from. The zero Origin is the system's.
type Origin struct {
	Actor Actor
	// Operation is the operationId of the OpenAPI document, such as
	// "pause-webhook"; empty: the store has a word for it.
	Operation string
	// IP is the client's address; empty if there is none.
	IP string
	// UserAgent is the header of that name, at most MaxUserAgent bytes.
	UserAgent string
}

// MaxUserAgent bounds Origin.UserAgent, in bytes.
const MaxUserAgent = 256

type originKey struct{}

// WithOrigin says where the changes come from that are made with the context.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf is what WithOrigin said, or the system.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	if o.Actor.Kind == "" {
		o.Actor.Kind = ActorSystem
	}
	return o
}

// Change is one field that has another value now.
type Change struct {
	Field string `json:"field"`
	// From and To are the values as JSON; nil: there was or is none.
	From json.RawMessage `json:"from,omitempty"`
	To   json.RawMessage `json:"to,omitempty"`
	// Secret says that the values are not told; both are nil then.
	Secret bool `json:"secret,omitempty"`
}

// AuditEntry is one change of an account's configuration, or something that was
// asked for. It is never changed itself.
type AuditEntry struct {
	Account string
	// Number counts an account's entries from 1, without gaps.
	Number int64
	At     time.Time
	Origin Origin
	// Target is the id of what was changed, such as a webhook's.
	Target string
	// Reason is why the system did it; else empty.
	Reason string
	// Changes in the order of the fields; none for what only was asked for.
	Changes []Change
}

// AuditFilter narrows a list of entries; zero fields do not narrow.
type AuditFilter struct {
	// Actor is the id of a key, a portal link or a member, or an ActorKind.
	Actor string
	// Operation as in Origin.
	Operation string
	Target    string
	// From (inclusive) and To (exclusive) bound At.
	From, To time.Time
}

// Audits is the log of who changed what. Every change of an account, and of what
// belongs to it, writes an entry in its own transaction, so that neither is there
// without the other; the context of the change says who makes it (WithOrigin).
// Entries are kept for good.
type Audits interface {
	// Audit lists an account's, newest first, and the next cursor, empty at the end.
	Audit(ctx context.Context, account string, f AuditFilter, p Page) ([]AuditEntry, string, error)
	// Note writes an entry for what changes nothing in the store, before it is
	// done: then nothing happens that is not noted. ErrNotFound if the account is
	// not there.
	Note(ctx context.Context, account, target string) error
}
