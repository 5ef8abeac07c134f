package hook

import (
	"context"
	"time"
)

const (
	// SessionIdle is how long a session of the portal lasts without a request, give or
	// take SessionStep.
	SessionIdle = 2 * time.Hour
	// SessionMax is how long it lasts at most.
	SessionMax = 12 * time.Hour
	// SessionStep is how exactly the last request is noted: a write each minute, not one
	// for each request.
	SessionStep = time.Minute
)

// Identity is a person as an OpenID provider knows them: an address may become somebody
// else's, a subject does not. The zero Identity is nobody's.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Session is a stay in the portal: of a member, who signed in at a provider, or of who
// came by a portal link or with an API key.
type Session struct {
	// Hash is the SHA-256 of what the browser shows: that has 256 random bits.
	Hash [32]byte
	// Account that the session acts for, one of several; empty: one is to be chosen.
	Account string
	// Identity of a member; zero for others.
	Identity Identity
	// EmailKey is the address that the provider vouched for, as Member.EmailKey; empty for
	// others.
	EmailKey string
	// APIKey is the id of the API key; empty for others.
	APIKey string
	// Link is the id of the portal link, Role and Language what it says; empty for a
	// member's session, whose member tells both, and for a key's.
	Link     string
	Role     Role
	Language Language

	CreatedAt time.Time
	// SeenAt is when the last request was made, give or take SessionStep.
	SeenAt time.Time
	// ExpiresAt is when it ends whatever happens.
	ExpiresAt time.Time
}

// Membership is what a session may act for.
type Membership struct {
	// Member is the person. In a session of a portal link only Account, Role and
	// Language are set, in one of an API key only Account.
	Member Member
	// Key is the API key as it is at this moment; nil in other sessions.
	Key *Key
	// AccountName is the name of the account.
	AccountName string
}

// Sessions is the store of who is in the portal. That somebody comes to an account or
// leaves it is in its audit log, in the same transaction; the context says from where
// (WithOrigin), and the store who it is. Other accounts that the person belongs to are
// told nothing.
type Sessions interface {
	// StartLinkSession adds the session of a portal link, and sets CreatedAt and SeenAt.
	// ErrNotFound if its account is not there.
	StartLinkSession(ctx context.Context, s Session) error
	// StartKeySession adds the session of an API key of its account, notes that the key is
	// used, and sets CreatedAt and SeenAt. ErrNotFound if there is no such key, or it has
	// expired.
	StartKeySession(ctx context.Context, s Session) error
	// StartMemberSession adds the session of a person who may act as the members that have
	// this identity, and as those with this address who have none; of two in one account as
	// the first. It sets CreatedAt, SeenAt and EmailKey, and if there is one such member
	// Account, as MoveSession does. ErrNotFound if there is none; ErrConflict if there are
	// only such who have another identity: the address was given to somebody else. That is
	// noted in the audit log also if other members let the person in.
	StartMemberSession(ctx context.Context, s Session, email string) error
	// Session returns one with all that it may act for just now, by the names of the
	// accounts: at least one, but maybe not Account any more. It notes the request.
	// ErrNotFound if there is none, or it has expired, or nothing is left to act for: such as
	// when its key was revoked or has expired.
	Session(ctx context.Context, hash [32]byte) (Session, []Membership, error)
	// MoveSession makes a session act for another account, whose member gets the identity
	// if it has none. ErrNotFound if it may not.
	MoveSession(ctx context.Context, hash [32]byte, account string) error
	// EndSession ends one. ErrNotFound.
	EndSession(ctx context.Context, hash [32]byte) error
	// UseOnce notes that something was used that may be used once, until it expires by
	// itself. ErrConflict if it was used before.
	UseOnce(ctx context.Context, hash [32]byte, until time.Time) error
	// ForgetSessions deletes what has expired.
	ForgetSessions(ctx context.Context) error
}
