package hook

import (
	"context"
	"time"
)

// MaxStores is how many stores an account has at most from events: one that is first
// seen when there are as many is not added. People add more.
const MaxStores = 10_000

// MaxStoreID bounds a store's id, in bytes, as events do.
const MaxStoreID = 256

// Store is a point of sale of an account, by the id that events carry.
type Store struct {
	ID string
	// Name is what people call it; its id until somebody gave it one.
	Name string
	// CreatedAt is when it was first seen, or when somebody named it first.
	CreatedAt time.Time
}

// Stores are the points of sale that an account is known to have. They are for
// people: a webhook may name any store, and an event come from one.
type Stores interface {
	// Stores lists an account's, by id, and the next cursor, empty at the end.
	Stores(ctx context.Context, account string, p Page) ([]Store, string, error)
	// PutStore names a store, and adds it if it is not there. ErrNotFound if the
	// account is not there.
	PutStore(ctx context.Context, account, id, name string) (Store, error)
	// DeleteStore removes one; it comes back when an event has it. ErrNotFound.
	DeleteStore(ctx context.Context, account, id string) error
}

// Sighting is a store that an event of an account had.
type Sighting struct {
	Account string
	Store   string
}
