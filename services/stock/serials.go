package stock

import (
	"context"
	"fmt"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// keepUnique is the rule of serial numbers: they belong to a product, which has each
// of them once.
func keepUnique(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if c.After != nil && c.After.Parent() == 0 {
		return hook.Invalid{{Field: equipmentField, Rule: required}}
	}
	if c.Before != nil {
		_, err := tx.SQL().ExecContext(ctx, `DELETE FROM `+tx.Table("serials")+
			` WHERE account = $1 AND equipment = $2 AND serial = $3 AND item = $4`,
			tx.Account(), c.Before.Parent(), c.Before.Text(serialField), c.Before.ID())
		if err != nil {
			return fmt.Errorf("stock: serial number: %w", err)
		}
	}
	if c.After == nil {
		return nil
	}
	var holder int64
	err := tx.SQL().QueryRowContext(ctx, `INSERT INTO `+tx.Table("serials")+` AS s (account, equipment, serial, item) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, equipment, serial) DO UPDATE SET item = s.item RETURNING item`,
		tx.Account(), c.After.Parent(), c.After.Text(serialField), c.After.ID()).Scan(&holder)
	if err != nil {
		return fmt.Errorf("stock: serial number: %w", err)
	}
	if holder != c.After.ID() {
		return hook.Invalid{{
			Field: serialField, Value: c.After.Text(serialField),
			Rule: fmt.Sprintf("must be there once per product: /%s/%d has it", serialsPath, holder),
		}}
	}
	return nil
}
