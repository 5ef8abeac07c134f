package entity

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/publish"
	"github.com/staffetta/staffetta/pkg/publish/tables"
)

//go:embed migrations
var migrations embed.FS

// ErrUnmigrated says that a service's tables are missing or of an older form.
var ErrUnmigrated = errors.New("the database schema is not up to date: run `staffetta migrate`")

// schema is a service's tables: those of the items, and its outbox.
func schema(prefix string) (items fs.FS, versions string, outbox *publish.Outbox, err error) {
	outbox, err = publish.NewOutbox(prefix)
	if err != nil {
		return nil, "", nil, err
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, "", nil, fmt.Errorf("entity: migrations: %w", err)
	}
	return tables.Prefixed(sub, prefix), prefix + "_versions", outbox, nil
}

// Migrate brings the tables of the service with this prefix up to date; it is
// idempotent.
func Migrate(ctx context.Context, db *database.DB, prefix string) error {
	items, versions, outbox, err := schema(prefix)
	if err != nil {
		return err
	}
	if err := database.Migrate(ctx, db, items, versions); err != nil {
		return fmt.Errorf("migrate %s: %w", prefix, err)
	}
	return outbox.Migrate(ctx, db)
}

// CheckMigrated returns ErrUnmigrated if Migrate has something to do.
func CheckMigrated(ctx context.Context, db *database.DB, prefix string) error {
	items, versions, outbox, err := schema(prefix)
	if err != nil {
		return err
	}
	pending, err := db.Pending(ctx, items, versions)
	if err == nil && !pending {
		pending, err = outbox.Pending(ctx, db)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", prefix, err)
	}
	if pending {
		return fmt.Errorf("%s: %w", prefix, ErrUnmigrated)
	}
	return nil
}
