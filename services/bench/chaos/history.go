package chaos

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// pageSize is the most that the API gives at once.
	pageSize = "500"
	// walkPause lies between two walks through the log, which are work for the
	// database.
	walkPause = 500 * time.Millisecond
	// maxLookedInto bounds the deliveries whose attempts are asked for one by one.
	maxLookedInto = 100
)

// row is a delivery as the log shows it.
type row struct {
	ID           string    `json:"id"`
	Webhook      string    `json:"webhook"`
	Status       string    `json:"status"`
	AttemptCount int       `json:"attemptCount"`
	UpdatedAt    time.Time `json:"updatedAt"`

	account string
}

// history is the log of all tenants, by delivery.
type history map[string]row

// history walks through the log.
func (in *installation) history(ctx context.Context, tenants []tenant) (history, error) {
	rows := history{}
	for _, t := range tenants {
		for cursor := ""; ; {
			query := url.Values{"limit": {pageSize}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			var page struct {
				Items []row
				Next  *string
			}
			if err := in.api.call(ctx, http.MethodGet, "/v1/deliveries?"+query.Encode(), t.account, nil, &page); err != nil {
				return nil, err
			}
			for _, r := range page.Items {
				r.account = t.account
				rows[r.ID] = r
			}
			if page.Next == nil {
				break
			}
			cursor = *page.Next
		}
	}
	return rows, nil
}

// delivered counts the rows that say so.
func (h history) delivered() int {
	count := 0
	for _, r := range h {
		if r.Status == "delivered" {
			count++
		}
	}
	return count
}

// awaitHistory waits until the log shows so many deliveries as delivered, or
// nothing has been added for as long as patience lasts.
func (in *installation) awaitHistory(ctx context.Context, tenants []tenant, want int, patience time.Duration) (rows history, err error) {
	_, err = await(ctx, patience, func(ctx context.Context) (int, bool, error) {
		if rows != nil && !pause(ctx, walkPause) {
			return 0, false, context.Cause(ctx)
		}
		var err error
		if rows, err = in.history(ctx, tenants); err != nil {
			return 0, false, err
		}
		count := rows.delivered()
		return count, count >= want, nil
	})
	return rows, err
}

// attempt is one as the log shows it.
type attempt struct {
	Number     int
	Status     string
	StatusCode *int
	At         time.Time
}

// requests are the attempts of a delivery that were requests.
func (in *installation) requests(ctx context.Context, r row) ([]attempt, error) {
	var details struct{ Attempts []attempt }
	if err := in.api.call(ctx, http.MethodGet, "/v1/deliveries/"+r.ID, r.account, nil, &details); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(details.Attempts, func(a attempt) bool { return a.Number == 0 }), nil
}

// silent counts the attempts of a delivery that got no answer: its receiver need
// not have seen them.
func (in *installation) silent(ctx context.Context, r row) (count int, err error) {
	requests, err := in.requests(ctx, r)
	for _, a := range requests {
		if a.StatusCode == nil {
			count++
		}
	}
	return count, err
}
