package assembly

import (
	"context"
	"io"
	"time"

	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/rekey"
)

// Rekey seals with the first encryption key what is sealed with another, and writes what
// it did. Idempotent.
func (p *Parts) Rekey(ctx context.Context, out io.Writer) error {
	if err := p.checkSchema(ctx); err != nil {
		return err
	}
	cfg := rekey.Config{Store: sqlstore.New(p.DB, time.Now), Keys: p.Keys}
	if p.Redis != nil {
		cfg.Cache = redisstore.NewStore(p.Redis, p.Log.Named("rekey"))
	}
	report, err := rekey.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return report.Print(out, p.Keys.IDs())
}
