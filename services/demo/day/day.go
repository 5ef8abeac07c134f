// Package day simulates a day of a small chain of restaurants: bills, receipts and
// closings at several stores, goods that move, and an office that writes quotes,
// orders, invoices and credit notes. It drives the four domain services by REST as
// anybody would, from a seed, and receives what is delivered of it in every format.
// Then it compares: what was answered, what was delivered, what the log says, and
// what the services say now.
//
//	day.go         the day, from its opening to the comparison
//	clerk.go       requests, and the book of what was answered
//	opening.go     who works there and what there is, before the first guest
//	till.go        a store: bills, receipts, goods, the closing
//	office.go      documents, contacts
//	webhooks.go    the webhooks, one or two of each format
//	receiver.go    what arrived
//	parse.go       what the requests of each format say
//	settle.go      waiting until nothing is under way
//	compare.go     whether all agree
//	log.go         whether the delivery log does
//	state.go       whether the services do
//	summary.go     what is told of it
package day

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/demo/rest"
)

const (
	// requestSpan bounds one request: who gives up does not know what was changed.
	requestSpan = time.Minute
	// liveAfter is how long a webhook takes to be live at most: the poll interval
	// (CONTRACT.md).
	liveAfter = time.Second
	// fewestChanges are those of the opening, a sale at each store and its closing.
	fewestChanges = 250
	mostStores    = 20
)

// Config of a day.
type Config struct {
	// URL is the base URL of the API and the domain services.
	URL string
	// AdminKey makes the account and its key.
	AdminKey string
	// Account that is made for the day; it must not be there. Default: a new one,
	// named after the time.
	Account string
	// Changes is how many items are created, changed or deleted, at least 250.
	// The day ends with the closings, a few more. Default 10,000.
	Changes int
	// Stores, 1 to 20. Default 4.
	Stores int
	// Seed of everything that chance decides. Default 1.
	Seed uint64
	// Date of the day, YYYY-MM-DD. Default: today.
	Date string
	// Receiver is the address on which deliveries are received. Default
	// "127.0.0.1:0", a free port.
	Receiver string
	// Patience is how long nothing may arrive before the rest is given up. Default
	// one minute.
	Patience time.Duration
	// Log; nil: nothing is logged.
	Log *zap.Logger
}

func (cfg Config) check() (Config, error) {
	var faults hook.Invalid
	if cfg.URL == "" {
		faults.Add("url", "", "is required")
	}
	if cfg.AdminKey == "" {
		faults.Add("STAFFETTA_ADMIN_KEY", "", "is required")
	}
	if cfg.Account == "" {
		cfg.Account = "day-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
	}
	if cfg.Changes == 0 {
		cfg.Changes = 10_000
	}
	if cfg.Changes < fewestChanges {
		faults.Add("changes", strconv.Itoa(cfg.Changes), fmt.Sprintf("must be at least %d", fewestChanges))
	}
	if cfg.Stores == 0 {
		cfg.Stores = 4
	}
	if cfg.Stores < 1 || cfg.Stores > mostStores {
		faults.Add("stores", strconv.Itoa(cfg.Stores), fmt.Sprintf("must be an integer from 1 to %d", mostStores))
	}
	if cfg.Seed == 0 {
		cfg.Seed = 1
	}
	if cfg.Date == "" {
		cfg.Date = time.Now().Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, cfg.Date); err != nil {
		faults.Add("date", cfg.Date, "must be a date as YYYY-MM-DD")
	}
	if cfg.Receiver == "" {
		cfg.Receiver = "127.0.0.1:0"
	}
	if cfg.Patience == 0 {
		cfg.Patience = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return cfg, faults.Err()
}

// Run lives through the day and compares. Disagreements are in the summary, and no
// error; the error of a bad configuration is hook.Invalid.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	cfg, err := cfg.check()
	if err != nil {
		return Summary{}, err
	}
	r, err := receive(ctx, cfg)
	if err != nil {
		return Summary{}, err
	}
	defer r.close()
	key, err := cfg.openAccount(ctx)
	if err != nil {
		return Summary{}, err
	}
	book := &book{}
	client := rest.New(cfg.URL, key, "", requestSpan)
	if err := r.subscribe(ctx, client); err != nil {
		return Summary{}, err
	}
	began := time.Now()
	if err := cfg.trade(ctx, client, book); err != nil {
		return Summary{}, fmt.Errorf("the day: %w", err)
	}
	traded := time.Now()
	cfg.Log.Info("the day is over; waiting for its deliveries", zap.Int("changes", len(book.changes)))
	settled, err := r.settle(ctx, client, book, cfg.Patience)
	if err != nil {
		return Summary{}, err
	}
	s := summarize(cfg, r, book)
	s.Seconds, s.SettledAfter = round(traded.Sub(began)), round(max(settled.Sub(traded), 0))
	if err := s.compare(ctx, client, r, book); err != nil {
		return Summary{}, fmt.Errorf("comparison: %w", err)
	}
	s.count(r)
	return s, nil
}

// openAccount makes the account, and a key that may do what the day does.
func (cfg Config) openAccount(ctx context.Context) (key string, err error) {
	admin := rest.New(cfg.URL, cfg.AdminKey, "", requestSpan)
	if err := admin.Send(ctx, http.MethodPost, "/v1/accounts", fields{"id": cfg.Account, "name": "Trattorie Riunite"}, nil); err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	var made struct{ Key string }
	admin = rest.New(cfg.URL, cfg.AdminKey, cfg.Account, requestSpan)
	err = admin.Send(ctx, http.MethodPost, "/v1/api-keys", fields{"name": "day", "scopes": []string{"read", "write"}}, &made)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	return made.Key, nil
}

// trade opens, lets stores and office work side by side until the changes are used up,
// and closes. Each of them takes its own chances from the seed, and nothing from
// what the others do meanwhile, so that the same seed makes the same day.
func (cfg Config) trade(ctx context.Context, client *rest.Client, book *book) error {
	clerk := func(number uint64) *clerk {
		return &clerk{
			client: client, book: book, random: rand.New(rand.NewPCG(cfg.Seed, number)), date: cfg.Date,
		}
	}
	c := &chain{}
	if err := c.open(ctx, clerk(0), cfg.Stores); err != nil {
		return err
	}
	left := cfg.Changes - len(book.changes)
	if left < 0 {
		return errors.New("the opening took more changes than there are")
	}
	share := left / (cfg.Stores + 1)
	group, ctx := errgroup.WithContext(ctx)
	for i, store := range c.stores {
		group.Go(func() error {
			t := &till{clerk: clerk(uint64(i) + 1), chain: c, store: store, stock: newStock(c)}
			return t.day(ctx, share)
		})
	}
	group.Go(func() error {
		o := &office{clerk: clerk(uint64(mostStores) + 1), chain: c}
		return o.day(ctx, left-share*cfg.Stores)
	})
	return group.Wait()
}
