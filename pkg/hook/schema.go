package hook

import "context"

// ItemSchema says what the data of an account's items of one type has to be like.
type ItemSchema struct {
	// ItemType, such as "Invoice".
	ItemType string
	// Schema is a JSON Schema as JSON text, see package itemschema.
	Schema []byte
}

// ItemSchemas is the store of what items' data has to be like. Every change
// raises the account's version, and queues the account for publication to the
// cache in the same transaction.
type ItemSchemas interface {
	// PutItemSchema sets the schema of an item type. ErrNotFound if the account is
	// not there.
	PutItemSchema(ctx context.Context, account string, s ItemSchema) error
	// ItemSchemas lists an account's, all of them, by item type.
	ItemSchemas(ctx context.Context, account string) ([]ItemSchema, error)
	// DeleteItemSchema removes one. ErrNotFound.
	DeleteItemSchema(ctx context.Context, account, itemType string) error
}
