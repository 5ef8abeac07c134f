package sqlstore

import "github.com/staffetta/staffetta/pkg/database"

// itemColumns are those of delivery_items, which has the deliveries of several
// items; one of a single item has it in its own row.
var itemColumns = []column{{"item_key", number}, {"published", number}, {"id_key", number}}

func (d *delivery) itemValues(id, published int64) [][]any {
	a := d.attempt
	if len(a.Items) == 1 {
		return nil
	}
	rows := make([][]any, 0, len(a.Items))
	seen := make(map[int64]bool, len(a.Items))
	for _, item := range a.Items {
		key := itemKey(a.Account, item)
		if !seen[key] {
			seen[key] = true
			rows = append(rows, []any{key, published, id})
		}
	}
	return rows
}

// itemKey and eventKey hold the account too. Its id has no slash.
func itemKey(account, item string) int64   { return database.Key(account + "/" + item) }
func eventKey(account, event string) int64 { return database.Key(account + "/" + event) }
