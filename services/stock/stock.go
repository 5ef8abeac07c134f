// Package stock is the domain service of the warehouse: /equipment,
// /serial-numbers and /stock-movements, the levels that the movements come to
// (/stock-levels), and whether they may be negative (/stock-settings).
//
//	collections.go  what is kept
//	movements.go    what a movement does to the levels
//	levels.go       the levels in SQL
//	serials.go      a serial number is there once per product
//	settings.go     the settings of an account in SQL
//	handler.go      REST beside the collections
package stock

import (
	"context"
	"embed"
	"io/fs"
	"net/http"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// name of the service: of its topic, events.stock, and of its tables.
const name = "stock"

//go:embed migrations
var migrations embed.FS

var domain = entity.Domain{Prefix: name, Collections: collections(), Tables: tables()}

func tables() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil { // the folder is embedded above
		panic(err)
	}
	return sub
}

// Config sets up the service.
type Config = upstream.Config

// Service serves the collections and relays their events while it runs, and
// serves the levels and settings.
type Service struct {
	*upstream.Service
	cfg Config
}

// New makes the service; it does no I/O.
func New(cfg Config) (*Service, error) {
	kit, err := upstream.New(domain, cfg)
	if err != nil {
		return nil, err
	}
	return &Service{Service: kit, cfg: cfg}, nil
}

// Collections are the first path segments that Handler answers.
func (s *Service) Collections() []string {
	return append(s.Service.Collections(), levelsPath[1:], settingsPath[1:])
}

// Handler answers the collections, the levels and the settings.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	s.route(mux)
	mux.Handle("/", s.Service.Handler())
	return mux
}

// Migrate brings the service's tables up to date; it is idempotent.
func Migrate(ctx context.Context, db *database.DB) error { return domain.Migrate(ctx, db) }
