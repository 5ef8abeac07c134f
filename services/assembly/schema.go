package assembly

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/contacts"
	"github.com/staffetta/staffetta/services/invoices"
	"github.com/staffetta/staffetta/services/receipts"
	"github.com/staffetta/staffetta/services/stock"
)

// Migrate brings the tables of all services up to date, and makes room in the log.
// Idempotent.
func (p *Parts) Migrate(ctx context.Context) error {
	hooks := sqlstore.Migrate(ctx, p.DB)
	if hooks == nil {
		hooks = sqlstore.New(p.DB, time.Now).MakeLogRoom(ctx)
	}
	return errors.Join(
		hooks,
		receipts.Migrate(ctx, p.DB),
		invoices.Migrate(ctx, p.DB),
		contacts.Migrate(ctx, p.DB),
		stock.Migrate(ctx, p.DB),
	)
}

// checkSchema refuses a database that Migrate has something to do for.
func (p *Parts) checkSchema(ctx context.Context) error {
	pending, err := sqlstore.Pending(ctx, p.DB)
	if err != nil {
		return err
	}
	if pending {
		return errors.New("the database's schema is not up to date: run `staffetta migrate` first")
	}
	return nil
}
