// Package invoices is the domain service of trade documents:
// /invoices, /credit-notes, /delivery-notes, /orders and /quotes.
package invoices

import (
	"context"
	"embed"
	"io/fs"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// name of the service: of its topic, events.invoices, and of its tables.
const name = "invoices"

//go:embed migrations
var migrations embed.FS

var domain = entity.Domain{Prefix: name, Collections: collections(), Tables: tables()}

func tables() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Config sets up the service.
type Config = upstream.Config

// Service serves the collections and relays their events while it runs.
type Service = upstream.Service

// New makes the service; it does no I/O.
func New(cfg Config) (*Service, error) { return upstream.New(domain, cfg) }

// Migrate brings the service's tables up to date; it is idempotent.
func Migrate(ctx context.Context, db *database.DB) error { return domain.Migrate(ctx, db) }
