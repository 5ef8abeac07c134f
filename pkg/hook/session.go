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
// came by a portal link.
type Session struct {
	// Hash is the SHA-256 of what the browser shows: that has 256 random bits.
	Hash [32]byte
	// Account that the session acts for, one of several.
	Account string
	// Identity of a member; zero for who came by a link.
	Identity Identity
	// Link is the id of the portal link, Role and Language what it says; empty for a
	// member's session, whose member tells both.
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
	// Language are set.
	Member Member
	// AccountName is the name of the account.
	AccountName string
}

// Sessions is the store of who is in the portal. That somebody comes or goes is in the
// audit log of each account that the session may act for, in the same transaction; the
// context says from where (WithOrigin), and the store who it is.
type Sessions interface {
	// StartLinkSession adds the session of a portal link, and sets CreatedAt and SeenAt.
	// ErrNotFound if its account is not there.
	StartLinkSession(ctx context.Context, s Session) error
	// StartMemberSession adds the session of the members whose identity it is. Before
	// that, members with this address who have none yet get it; of two in one account the
	// one who has it already counts. It sets CreatedAt, SeenAt and Account: the first by
	// name. ErrNotFound if there is no such member; ErrConflict if there are only such
	// who have another identity: the address was given to somebody else. That is noted
	// in the audit log also if other members let the person in.
	StartMemberSession(ctx context.Context, s Session, email string) error
	// Session returns one with all that it may act for just now, by the names of the
	// accounts: at least one, but maybe not Account any more. It notes the request.
	// ErrNotFound if there is none, or it has expired, or nothing is left to act for.
	Session(ctx context.Context, hash [32]byte) (Session, []Membership, error)
	// MoveSession makes a session act for another account. ErrNotFound if it may not.
	MoveSession(ctx context.Context, hash [32]byte, account string) error
	// EndSession ends one. ErrNotFound.
	EndSession(ctx context.Context, hash [32]byte) error
	// UseOnce notes that something was used that may be used once, until it expires by
	// itself. ErrConflict if it was used before.
	UseOnce(ctx context.Context, hash [32]byte, until time.Time) error
	// ForgetSessions deletes what has expired.
	ForgetSessions(ctx context.Context) error
}
