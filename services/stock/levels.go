package stock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
)

// level is what is at a place; the transaction has the account to itself.
func level(ctx context.Context, tx *entity.Tx, at place) (decimal.Decimal, error) {
	var text string
	err := tx.SQL().QueryRowContext(ctx, `SELECT quantity FROM `+tx.Table("levels")+
		` WHERE account = $1 AND equipment = $2 AND store = $3`, tx.Account(), at.equipment, at.store).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return decimal.Zero, nil
	}
	if err != nil {
		return decimal.Zero, fmt.Errorf("stock: read level: %w", err)
	}
	quantity, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero, fmt.Errorf("stock: level of /%s/%d is %q: %w", equipmentPath, at.equipment, text, err)
	}
	return quantity, nil
}

func setLevel(ctx context.Context, tx *entity.Tx, at place, quantity decimal.Decimal) error {
	_, err := tx.SQL().ExecContext(ctx, `INSERT INTO `+tx.Table("levels")+` (account, equipment, store, quantity) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, equipment, store) DO UPDATE SET quantity = excluded.quantity`,
		tx.Account(), at.equipment, at.store, quantity.String())
	if err != nil {
		return fmt.Errorf("stock: write level: %w", err)
	}
	return nil
}

// forgetLevels is the rule of products: with one its levels go. Its movements stay,
// as a record.
func forgetLevels(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if c.After != nil {
		return nil
	}
	_, err := tx.SQL().ExecContext(ctx, `DELETE FROM `+tx.Table("levels")+` WHERE account = $1 AND equipment = $2`,
		tx.Account(), c.Before.ID())
	if err != nil {
		return fmt.Errorf("stock: forget levels: %w", err)
	}
	return nil
}

// levelRow is a level as the API gives it.
type levelRow struct {
	Equipment int64       `json:"equipment"`
	Ref       string      `json:"ref"`
	Store     *string     `json:"store"` // null: movements that name no store
	Quantity  jsonDecimal `json:"quantity"`
}

// jsonDecimal is a number in JSON, digit by digit.
type jsonDecimal string

func (d jsonDecimal) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// readLevels are at most limit levels after a place, by product and store; of one
// product unless equipment is 0, of one store unless store is empty.
func (s *Service) readLevels(ctx context.Context, account string, after place, equipment int64, store string, limit int) ([]levelRow, error) {
	query := `SELECT equipment, store, quantity FROM ` + name + `_levels WHERE account = $1
		AND (equipment > $2 OR equipment = $2 AND store > $3)`
	args := []any{account, after.equipment, after.store}
	if equipment != 0 {
		args = append(args, equipment)
		query += ` AND equipment = $` + strconv.Itoa(len(args))
	}
	if store != "" {
		args = append(args, store)
		query += ` AND store = $` + strconv.Itoa(len(args))
	}
	args = append(args, limit)
	rows, err := s.cfg.DB.QueryContext(ctx, query+` ORDER BY equipment, store LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("stock: read levels: %w", err)
	}
	defer func() { _ = rows.Close() }() // read to its end, or given up
	levels := []levelRow{}
	for rows.Next() {
		var at place
		var quantity string
		if err := rows.Scan(&at.equipment, &at.store, &quantity); err != nil {
			return nil, fmt.Errorf("stock: read levels: %w", err)
		}
		row := levelRow{Equipment: at.equipment, Ref: fmt.Sprintf("/%s/%d", equipmentPath, at.equipment), Quantity: jsonDecimal(quantity)}
		if at.store != "" {
			row.Store = &at.store
		}
		levels = append(levels, row)
	}
	return levels, rows.Err()
}
