package standalone

import (
	"context"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// counterKept is how long a counter outlives its period.
const counterKept = time.Hour

// remember counts in a Redis that begins empty what accounts have used of the present
// period of their quota, or else a restart would give each a second quota. What the log
// has not recorded yet is not counted.
func remember(ctx context.Context, store *sqlstore.Store, counters *redisstore.Counters, now time.Time) error {
	list := hook.Page{Limit: 500}
	for {
		accounts, next, err := store.Accounts(ctx, list)
		if err != nil {
			return err
		}
		for i := range accounts {
			if a := &accounts[i]; a.Quota != nil {
				if err := rememberOne(ctx, store, counters, a, now); err != nil {
					return fmt.Errorf("counting what account %q has used of its quota: %w", a.ID, err)
				}
			}
		}
		if next == "" {
			return nil
		}
		list.After = next
	}
}

func rememberOne(ctx context.Context, store *sqlstore.Store, counters *redisstore.Counters, a *hook.Account, now time.Time) error {
	from, to := a.Quota.At(now)
	used, _, err := store.Usage(ctx, a.ID, hook.UsageFilter{Totals: true, From: from, To: from.Add(time.Microsecond)}, hook.Page{Limit: 10})
	if err != nil {
		return err
	}
	for _, u := range used { // several if the quota was changed in it
		if u.To.Equal(to) && u.Executed > 0 {
			if _, err := counters.Add(ctx, a.ID, from, u.Executed, to.Add(counterKept)); err != nil {
				return err
			}
		}
	}
	return nil
}
