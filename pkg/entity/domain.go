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

// Domain is what a service declares: its collections and its tables.
type Domain struct {
	// Prefix of the service's tables; see tables.CheckPrefix.
	Prefix      string
	Collections []Collection
	// Tables are migrations of tables of the service's own, which its rules keep: one
	// folder of goose's files for each dialect, tables.Placeholder before each name. Nil:
	// it has none.
	Tables fs.FS
}

//go:embed migrations
var migrations embed.FS

// ErrUnmigrated says that a service's tables are missing or of an older form.
var ErrUnmigrated = errors.New("the database schema is not up to date: run `staffetta migrate`")

// schema is one set of migrations and the table that keeps its version.
type schema struct {
	migrations fs.FS
	versions   string
}

// schemas are those of the items and of the service's own tables.
func (d Domain) schemas() ([]schema, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("entity: migrations: %w", err)
	}
	all := []schema{{tables.Prefixed(sub, d.Prefix), d.Prefix + "_versions"}}
	if d.Tables != nil {
		all = append(all, schema{tables.Prefixed(d.Tables, d.Prefix), d.Prefix + "_own_versions"})
	}
	return all, nil
}

// Migrate brings the service's tables up to date; it is idempotent.
func (d Domain) Migrate(ctx context.Context, db *database.DB) error {
	outbox, err := publish.NewOutbox(d.Prefix)
	if err != nil {
		return err
	}
	schemas, err := d.schemas()
	if err != nil {
		return err
	}
	for _, s := range schemas {
		if err := database.Migrate(ctx, db, s.migrations, s.versions); err != nil {
			return fmt.Errorf("migrate %s: %w", d.Prefix, err)
		}
	}
	unindexed, err := d.unindexed(ctx, db)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", d.Prefix, err)
	}
	for _, c := range unindexed {
		if err := d.reindex(ctx, db, &c); err != nil {
			return fmt.Errorf("migrate %s: %w", d.Prefix, err)
		}
	}
	return outbox.Migrate(ctx, db)
}

// CheckMigrated returns ErrUnmigrated if Migrate has something to do.
func (d Domain) CheckMigrated(ctx context.Context, db *database.DB) error {
	outbox, err := publish.NewOutbox(d.Prefix)
	if err != nil {
		return err
	}
	schemas, err := d.schemas()
	if err != nil {
		return err
	}
	pending, err := outbox.Pending(ctx, db)
	for _, s := range schemas {
		if err == nil && !pending {
			pending, err = db.Pending(ctx, s.migrations, s.versions)
		}
	}
	if err == nil && !pending {
		var unindexed []Collection
		unindexed, err = d.unindexed(ctx, db)
		pending = len(unindexed) > 0
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Prefix, err)
	}
	if pending {
		return fmt.Errorf("%s: %w", d.Prefix, ErrUnmigrated)
	}
	return nil
}
