package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// quotaNotice is the shortest time between two notifications of an account's quota.
const quotaNotice = time.Hour

// overQuota are the accounts whose quota kept something back, and when, in hours
// since the Unix epoch.
type overQuota map[accountHour]bool

type accountHour struct {
	account string
	hour    int64
}

// note takes in a record that is new in the log.
func (o overQuota) note(a *hook.Attempt) {
	if a.Reason == hook.ReasonQuota {
		o[accountHour{a.Account, a.At.Unix() / int64(quotaNotice/time.Second)}] = true
	}
}

// notices are those of which nobody was told yet: one in each period of the quota,
// and at most one an hour.
func (o overQuota) notices(ctx context.Context, w *database.Writer) ([]notice, error) {
	if len(o) == 0 {
		return nil, nil
	}
	hours := make(map[string][]int64)
	var accounts []string
	for key := range o {
		if hours[key.account] == nil {
			accounts = append(accounts, key.account)
		}
		hours[key.account] = append(hours[key.account], key.hour)
	}
	var list []notice
	err := eachKey(ctx, w, `SELECT id, quota_calls, quota_period FROM accounts
		WHERE quota_calls IS NOT NULL AND quota_period IS NOT NULL AND NOT deleted AND id IN (…)`, accounts,
		func(scan func(...any) error) error {
			var id string
			var calls, millis int64
			if err := scan(&id, &calls, &millis); err != nil {
				return err
			}
			period := time.Duration(millis) * time.Millisecond
			span := hook.Quota{Period: max(period, quotaNotice)}
			for _, hour := range hours[id] {
				from, _ := span.At(time.Unix(hour*int64(quotaNotice/time.Second), 0))
				list = append(list, notice{
					once: fmt.Sprintf("quota/%s/%d", id, from.Unix()),
					Notification: hook.Notification{
						Account: id, Notice: hook.NoticeQuota, Detail: fmt.Sprintf("the quota is %d calls in %s", calls, durationText(period)),
					},
				})
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("reading the quotas of %d accounts: %w", len(accounts), err)
	}
	slices.SortFunc(list, func(a, b notice) int { return cmp.Compare(a.once, b.once) })
	return untold(ctx, w, list)
}
