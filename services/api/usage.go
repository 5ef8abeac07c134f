package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Usage is what one webhook was charged in one period, as the API shows it.
type Usage struct {
	Webhook    *string `json:"webhook" doc:"null: all webhooks of the account together."`
	Period     Period  `json:"period" doc:"Of the account's quota then; a day of UTC if it had none."`
	Executed   int64   `json:"executed" doc:"Requests made in the period."`
	Executable *int64  `json:"executable" doc:"Requests that the quota still allowed the account in the period; null: there was no limit."`
	Deferred   int64   `json:"deferred" doc:"Deliveries that the quota let wait for a later period."`
	Dropped    int64   `json:"dropped" doc:"Deliveries that were dropped because of the quota."`
	Exceeded   bool    `json:"exceeded" doc:"Whether the quota kept a delivery back."`
}

// Period is a span of time: from is in it, to is not.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// byAccount asks for sums.
const byAccount = "account"

type usageInput struct {
	PageQuery
	Webhook  string    `query:"webhook" doc:"Id of a webhook."`
	By       string    `query:"by" enum:"webhook,account" default:"webhook" doc:"account: one item for each period, of all webhooks together."`
	From     time.Time `query:"from" doc:"Periods that begin at this time or later."`
	To       time.Time `query:"to" doc:"Periods that begin before this time."`
	Exceeded bool      `query:"exceeded" doc:"true: only periods in which the quota kept a delivery back."`
}

func showUsage(u hook.Usage) Usage {
	return Usage{
		Webhook: textOrNull(u.Webhook), Period: Period{From: u.From.UTC(), To: u.To.UTC()}, Executed: u.Executed, Executable: u.Executable,
		Deferred: u.Deferred, Dropped: u.Dropped, Exceeded: u.Exceeded(),
	}
}

func (s *Service) usageRoutes() {
	handle(s, huma.Operation{
		OperationID: "list-usage", Method: http.MethodGet, Path: "/v1/usage", Tags: []string{"usage"},
		Summary: "List usage", Description: "What each webhook was charged, by period: newest first, then by webhook.",
	}, access{scope: hook.ScopeRead}, nil, s.listUsage)
	handle(s, huma.Operation{
		OperationID: "list-usage-series", Method: http.MethodGet, Path: "/v1/usage/series", Tags: []string{"usage"},
		Summary: "List usage by time", Description: "What was done in each hour or day, oldest first and without gaps: for charts.",
	}, access{scope: hook.ScopeRead}, nil, s.listSeries)
}

func (s *Service) listUsage(ctx context.Context, in *usageInput) (*listed[Usage], error) {
	filter := hook.UsageFilter{Webhook: in.Webhook, Totals: in.By == byAccount, From: in.From, To: in.To, Exceeded: in.Exceeded}
	if filter.Totals && in.Webhook != "" {
		var faults hook.Invalid
		faults.Add("by", in.By, "must be webhook if a webhook is named")
		return nil, faults
	}
	rows, next, err := s.cfg.Store.Usage(ctx, principal(ctx).Account, filter, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showUsage), nil
}
