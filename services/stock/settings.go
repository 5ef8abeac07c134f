package stock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// settings of an account, as the API gives them.
type settings struct {
	// AllowNegative: movements may leave a level below zero. Default false.
	AllowNegative bool `json:"allowNegative"`
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// allowsNegative reports whether the levels of an account may be negative.
func allowsNegative(ctx context.Context, q querier, account string) (allowed bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT allow_negative FROM `+name+`_settings WHERE account = $1`, account).Scan(&allowed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("stock: read settings: %w", err)
	}
	return allowed, nil
}

func (s *Service) saveSettings(ctx context.Context, account string, set settings) error {
	return s.cfg.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO `+name+`_settings (account, allow_negative) VALUES ($1, $2)
			ON CONFLICT (account) DO UPDATE SET allow_negative = excluded.allow_negative`, account, set.AllowNegative)
		if err != nil {
			return fmt.Errorf("stock: write settings: %w", err)
		}
		return nil
	})
}
