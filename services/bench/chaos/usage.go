package chaos

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// usagePatience is how long usage may differ from the log: both are written
// together, but they are not read at one moment.
const usagePatience = 30 * time.Second

// hour names one of a webhook.
type hour struct {
	webhook string
	begins  int64 // Unix seconds
}

// usage is what was done in it.
type usage struct{ executed, delivered, deferred, dropped int64 }

// accounting is the usage of all tenants, by hour.
type accounting map[hour]usage

func (a accounting) add(webhook string, at time.Time, u usage) {
	key := hour{webhook, at.Truncate(time.Hour).Unix()}
	sum := a[key]
	a[key] = usage{sum.executed + u.executed, sum.delivered + u.delivered, sum.deferred + u.deferred, sum.dropped + u.dropped}
}

// executed are the sums of requests, by webhook.
func (a accounting) executed() map[string]int64 {
	sums := map[string]int64{}
	for h, u := range a {
		sums[h.webhook] += u.executed
	}
	return sums
}

// logged is what the log's rows say.
func (in *installation) logged(ctx context.Context, rows history) (accounting, error) {
	sum := accounting{}
	for _, r := range rows {
		if r.AttemptCount == 1 && r.Status == "delivered" {
			sum.add(r.Webhook, r.UpdatedAt, usage{executed: 1, delivered: 1})
			continue
		}
		requests, err := in.requests(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, a := range requests {
			u := usage{executed: 1}
			if a.Status == "delivered" {
				u.delivered = 1
			}
			sum.add(r.Webhook, a.At, u)
		}
	}
	return sum, nil
}

// told is what the series tell of all webhooks since a moment.
func (in *installation) told(ctx context.Context, tenants []tenant, since time.Time) (accounting, error) {
	sum := accounting{}
	for _, t := range tenants {
		for _, w := range t.webhooks {
			var series struct {
				Items []struct {
					From                                   time.Time
					Executed, Delivered, Deferred, Dropped int64
				}
			}
			query := url.Values{"webhook": {w}, "from": {since.UTC().Format(time.RFC3339)}}
			if err := in.api.call(ctx, http.MethodGet, "/v1/usage/series?"+query.Encode(), t.account, nil, &series); err != nil {
				return nil, err
			}
			for _, i := range series.Items {
				if u := (usage{i.Executed, i.Delivered, i.Deferred, i.Dropped}); u != (usage{}) {
					sum.add(w, i.From, u)
				}
			}
		}
	}
	return sum, nil
}

// charged is what usage says was executed, by webhook; by account with by.
func (in *installation) charged(ctx context.Context, tenants []tenant, by string) (map[string]int64, error) {
	sums := map[string]int64{}
	for _, t := range tenants {
		for cursor := ""; ; {
			query := url.Values{"limit": {pageSize}, "by": {by}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			var page struct {
				Items []struct {
					Webhook  *string
					Executed int64
				}
				Next *string
			}
			if err := in.api.call(ctx, http.MethodGet, "/v1/usage?"+query.Encode(), t.account, nil, &page); err != nil {
				return nil, err
			}
			for _, i := range page.Items {
				name := t.account
				if i.Webhook != nil {
					name = *i.Webhook
				}
				sums[name] += i.Executed
			}
			if page.Next == nil {
				break
			}
			cursor = *page.Next
		}
	}
	return sums, nil
}

// discrepancies are what usage and its series say that the log does not.
func (in *installation) discrepancies(ctx context.Context, tenants []tenant, rows history, since time.Time) ([]string, error) {
	want, err := in.logged(ctx, rows)
	if err != nil {
		return nil, err
	}
	got, err := in.told(ctx, tenants, since)
	if err != nil {
		return nil, err
	}
	found := compare("series", want, got)
	executed := want.executed()
	of := map[string]int64{}
	for _, t := range tenants {
		for _, w := range t.webhooks {
			of[t.account] += executed[w]
		}
	}
	for by, want := range map[string]map[string]int64{"webhook": executed, "account": of} {
		charged, err := in.charged(ctx, tenants, by)
		if err != nil {
			return nil, err
		}
		found = append(found, compare("usage by "+by, want, charged)...)
	}
	return found, nil
}

// compare tells of each key whose values differ; what is not there is zero.
func compare[K comparable, V comparable](what string, want, got map[K]V) (found []string) {
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for key := range keys {
		if want[key] != got[key] {
			found = append(found, fmt.Sprintf("%s of %v: %v, and the log says %v", what, key, got[key], want[key]))
		}
	}
	slices.SortFunc(found, cmp.Compare[string])
	return found
}

// awaitUsage waits until usage is what the log says, and gives the log as it is
// then, or what differs in the end.
func (in *installation) awaitUsage(ctx context.Context, tenants []tenant, rows history, since time.Time) (history, []string, error) {
	var found []string
	first := true
	_, err := await(ctx, usagePatience, func(ctx context.Context) (int, bool, error) {
		var err error
		if !first {
			if !pause(ctx, walkPause) {
				return 0, false, context.Cause(ctx)
			}
			if rows, err = in.history(ctx, tenants); err != nil {
				return 0, false, err
			}
		}
		first = false
		found, err = in.discrepancies(ctx, tenants, rows, since)
		return 0, len(found) == 0, err
	})
	return rows, found, err
}
