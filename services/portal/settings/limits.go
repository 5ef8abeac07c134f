package settings

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

// limits is the tab of what the operator allows the account; its members change none of
// it.
type limits struct {
	// Quota is nil if there is no limit.
	Quota *quota
	// Notify are the failures in a row at which members are told, Disable that at which the
	// webhook is disabled; 0: never.
	Notify  string
	Disable int64
}

// quota is what may be requested in a period, and what was.
type quota struct {
	Calls, Used int64
	Period      span
	// From and To are those of the period that is now.
	From, To time.Time
}

// span is a time as people say it: N of a unit.
type span struct {
	N    int64
	Unit string
}

// spanOf says a duration in the largest unit of which it has a whole number.
func spanOf(d time.Duration) span {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= unit.of && d%unit.of == 0 {
			return span{N: int64(d / unit.of), Unit: unit.name}
		}
	}
	return span{N: int64(d / time.Second), Unit: "second"}
}

func (s *service) showLimits(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetOwnAccountWithResponse(r.Context()))
	if err != nil {
		return err
	}
	account := got.JSON200
	var tab limits
	counts := make([]string, len(account.Streak.Notify))
	for i, n := range account.Streak.Notify {
		counts[i] = fmt.Sprint(n)
	}
	tab.Notify = strings.Join(counts, ", ")
	if account.Streak.Disable != nil {
		tab.Disable = *account.Streak.Disable
	}
	if account.Quota != nil {
		if tab.Quota, err = s.quota(r, v, account.Quota); err != nil {
			return err
		}
	}
	return s.show(w, r, v, tabLimits, "", nil, tab)
}

// quota is how much of one is used in the period that is now.
func (s *service) quota(r *http.Request, v *page.Visitor, allowed *client.Quota) (*quota, error) {
	period, err := time.ParseDuration(allowed.Period)
	if err != nil || period < time.Second {
		return nil, fmt.Errorf("settings: the period %q of the quota: %w", allowed.Period, err)
	}
	// Periods are counted from the Unix epoch.
	seconds := int64(period / time.Second)
	from := time.Unix(s.kit.Now().Unix()/seconds*seconds, 0).UTC()
	q := &quota{Calls: allowed.Calls, Period: spanOf(period), From: from, To: from.Add(period)}
	one, by := int64(1), client.ListUsageParamsBy("account")
	listed, err := page.Call(v.API.ListUsageWithResponse(r.Context(), &client.ListUsageParams{Limit: &one, By: &by, From: &from}))
	if err != nil {
		return nil, err
	}
	if used := listed.JSON200.Items; len(used) > 0 && used[0].Period.From.Equal(from) {
		q.Used = used[0].Executed
	}
	return q, nil
}
