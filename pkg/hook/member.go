package hook

import (
	"context"
	"errors"
	"strings"
	"time"
)

// ErrLastOwner says that an account would be left without an owner.
var ErrLastOwner = errors.New("the last owner")

// Member is a person who belongs to an account.
type Member struct {
	// ID is "mbr_" and 26 characters, rising with time.
	ID      string
	Account string
	// Email as it was given; see EmailKey.
	Email    string
	Name     string
	Role     Role
	Language Language
	// CreatedAt is when the member was added.
	CreatedAt time.Time
}

// EmailKey is the address in the form in which no two members of an account have
// the same.
func (m *Member) EmailKey() string { return strings.ToLower(m.Email) }

// DisplayName is what people call the member: the name, else the address.
func (m *Member) DisplayName() string {
	if m.Name == "" {
		return m.Email
	}
	return m.Name
}

// Members is the store of people.
type Members interface {
	// CreateMember adds one. ErrNotFound if the account is not there, ErrConflict if
	// it has a member with this address.
	CreateMember(ctx context.Context, m Member) (Member, error)
	// Member returns one. ErrNotFound.
	Member(ctx context.Context, account, id string) (Member, error)
	// Members lists an account's, newest first, and the next cursor, empty at the
	// end.
	Members(ctx context.Context, account string, p Page) ([]Member, string, error)
	// UpdateMember changes one in a transaction: change gets the current state and
	// edits it; its error aborts and is returned. ErrNotFound; ErrConflict if another
	// one has the address; ErrLastOwner if no owner would be left.
	UpdateMember(ctx context.Context, account, id string, change func(*Member) error) (Member, error)
	// DeleteMember removes one. ErrNotFound; ErrLastOwner.
	DeleteMember(ctx context.Context, account, id string) error
}
