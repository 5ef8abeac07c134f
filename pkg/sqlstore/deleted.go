package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// deletedOf are those of the accounts that were deleted.
func deletedOf(ctx context.Context, w *database.Writer, accounts map[string]bool) (map[string]bool, error) {
	ids := make([]string, 0, len(accounts))
	for id := range accounts {
		ids = append(ids, storableText(id))
	}
	deleted := make(map[string]bool)
	err := eachKey(ctx, w, `SELECT id FROM accounts WHERE deleted AND id IN (…)`, ids, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		deleted[id] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for deleted ones among %d accounts: %w", len(ids), err)
	}
	return deleted, nil
}

// withoutDeleted are the ranges without what is of deleted accounts: what senders make of
// their deliveries is not written back to a log from which they were erased.
func withoutDeleted(ctx context.Context, w *database.Writer, ranges []hook.Range) ([]hook.Range, error) {
	accounts := make(map[string]bool)
	last := ""
	for _, r := range ranges {
		for i := range r.Records {
			if account := r.Records[i].Attempt.Account; account != last {
				accounts[account], last = true, account
			}
		}
		for _, m := range r.Markers {
			accounts[m.Account] = true
		}
	}
	deleted, err := deletedOf(ctx, w, accounts)
	if err != nil || len(deleted) == 0 {
		return ranges, err
	}
	// Copies: the transaction may be run again with what the caller has.
	kept := slices.Clone(ranges)
	for i, r := range kept {
		kept[i].Records = slices.DeleteFunc(slices.Clone(r.Records), func(r hook.Recorded) bool { return deleted[r.Attempt.Account] })
		kept[i].Markers = slices.DeleteFunc(slices.Clone(r.Markers), func(m hook.Marker) bool { return deleted[m.Account] })
	}
	return kept, nil
}

// ofLive are the entries of quarantine but those of deleted accounts.
func ofLive(ctx context.Context, w *database.Writer, entries []hook.Quarantined) ([]hook.Quarantined, error) {
	accounts := make(map[string]bool)
	for i := range entries {
		accounts[entries[i].Account] = true
	}
	deleted, err := deletedOf(ctx, w, accounts)
	if err != nil || len(deleted) == 0 {
		return entries, err
	}
	return slices.DeleteFunc(slices.Clone(entries), func(q hook.Quarantined) bool { return deleted[q.Account] }), nil
}
