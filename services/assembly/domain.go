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
	return component(ctx, p, "receipts", func(c contacts.Config) (domain, error) { return receipts.New(receipts.Config(c)) })
}

// Invoices builds the invoices service.
func (p *Parts) Invoices(ctx context.Context) (Component, error) {
	return component(ctx, p, "invoices", func(c contacts.Config) (domain, error) { return invoices.New(invoices.Config(c)) })
}

// Contacts builds the contacts service.
func (p *Parts) Contacts(ctx context.Context) (Component, error) {
	return component(ctx, p, "contacts", func(c contacts.Config) (domain, error) { return contacts.New(c) })
}

// Stock builds the stock service.
func (p *Parts) Stock(ctx context.Context) (Component, error) {
	return component(ctx, p, "stock", func(c contacts.Config) (domain, error) { return stock.New(stock.Config(c)) })
}

// domain gives a domain service its configuration. Keys are looked up in the
// one database, so that the same keys work everywhere; portal links do where there is
// an encryption key.
func (p *Parts) domain(name string, uses *apiauth.Uses) contacts.Config {
	store := sqlstore.New(p.DB, time.Now)
	return contacts.Config{
		Bus: p.Bus, DB: p.DB,
		Authorizer: apiauth.New(apiauth.Config{Keys: store, Accounts: store, AdminKey: p.Config.AdminKey, Links: p.Links, Uses: uses}),
		Log:        p.Log.Named(name),
		Tracer:     p.Tracing.Tracer(name),
		Metrics:    p.Metrics,
	}
}

func component(ctx context.Context, p *Parts, name string, build func(contacts.Config) (domain, error)) (Component, error) {
	if err := p.lookAtTopics(ctx); err != nil {
		return Component{}, err
	}
	if err := p.checkSchema(ctx); err != nil {
		return Component{}, err
	}
	uses := apiauth.NewUses(sqlstore.New(p.DB, time.Now), p.Log.Named(name))
	service, err := build(p.domain(name, uses))
	if err != nil {
		return Component{}, err
	}
	noting := func(ctx context.Context) error {
		uses.Run(ctx)
		return nil
	}
	return Component{Name: name, Run: beside(service.Run, noting), Handler: service.Handler(), Paths: service.Collections()}, nil
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
