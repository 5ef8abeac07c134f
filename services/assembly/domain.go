package assembly

import (
	"context"
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/contacts"
	"github.com/staffetta/staffetta/services/invoices"
	"github.com/staffetta/staffetta/services/receipts"
	"github.com/staffetta/staffetta/services/stock"
)

// domain is what the four services are to their process.
type domain interface {
	Handler() http.Handler
	Collections() []string
	Run(ctx context.Context) error
}

// Receipts builds the receipts service.
func (p *Parts) Receipts(ctx context.Context) (Component, error) {
	return component(ctx, p, "receipts", func() (domain, error) { return receipts.New(receipts.Config(p.domain("receipts"))) })
}

// Invoices builds the invoices service.
func (p *Parts) Invoices(ctx context.Context) (Component, error) {
	return component(ctx, p, "invoices", func() (domain, error) { return invoices.New(invoices.Config(p.domain("invoices"))) })
}

// Contacts builds the contacts service.
func (p *Parts) Contacts(ctx context.Context) (Component, error) {
	return component(ctx, p, "contacts", func() (domain, error) { return contacts.New(contacts.Config(p.domain("contacts"))) })
}

// Stock builds the stock service.
func (p *Parts) Stock(ctx context.Context) (Component, error) {
	return component(ctx, p, "stock", func() (domain, error) { return stock.New(stock.Config(p.domain("stock"))) })
}

// domain gives a domain service its configuration. Keys are looked up in the
// one database, so that the same keys work everywhere; portal links do where there is
// an encryption key.
func (p *Parts) domain(name string) contacts.Config {
	store := sqlstore.New(p.DB, time.Now)
	return contacts.Config{
		Bus: p.Bus, DB: p.DB,
		Authorizer: apiauth.New(apiauth.Config{Keys: store, Accounts: store, AdminKey: p.Config.AdminKey, Links: p.Links}),
		Log:        p.Log.Named(name),
		Tracer:     p.Tracing.Tracer(name),
	}
}

func component(ctx context.Context, p *Parts, name string, build func() (domain, error)) (Component, error) {
	if err := p.lookAtTopics(ctx); err != nil {
		return Component{}, err
	}
	if err := p.checkSchema(ctx); err != nil {
		return Component{}, err
	}
	service, err := build()
	if err != nil {
		return Component{}, err
	}
	return Component{Name: name, Run: service.Run, Handler: service.Handler(), Paths: service.Collections()}, nil
}

// All builds every service.
func (p *Parts) All(ctx context.Context) ([]Component, error) {
	var all []Component
	for _, build := range []func(context.Context) (Component, error){
		p.API, p.Router, p.Sender, p.Recorder, p.Receipts, p.Invoices, p.Contacts, p.Stock,
	} {
		c, err := build(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
