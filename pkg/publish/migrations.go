package publish

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/publish/tables"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the outbox's goose migrations, one folder per dialect
// ("postgres", "sqlite"), for a service that migrates by itself.
func (o *Outbox) Migrations() (fs.FS, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("outbox: migrations: %w", err)
	}
	return tables.Prefixed(sub, o.prefix), nil
}

// Versions is the table in which the outbox's schema version is kept.
func (o *Outbox) Versions() string { return o.prefix + "_outbox_versions" }

// Migrate brings the outbox's tables up to date; it is idempotent.
func (o *Outbox) Migrate(ctx context.Context, db *database.DB) error {
	files, err := o.Migrations()
	if err != nil {
		return err
	}
	return database.Migrate(ctx, db, files, o.Versions())
}

// Pending reports whether Migrate has something to do.
func (o *Outbox) Pending(ctx context.Context, db *database.DB) (bool, error) {
	files, err := o.Migrations()
	if err != nil {
		return false, err
	}
	return db.Pending(ctx, files, o.Versions())
}
