package api

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
)

// FilterFailures is what went wrong with a webhook's filter, as the API shows it.
type FilterFailures struct {
	Count int64             `json:"count" doc:"Items that the webhook did not get because the filter had no answer for them."`
	Last  LastFilterFailure `json:"last"`
}

// LastFilterFailure is the newest of them.
type LastFilterFailure struct {
	At      time.Time `json:"at"`
	EventID string    `json:"eventId"`
	Message string    `json:"message" example:"no such key: total"`
}

// readFilter reads a filter; null is "", none.
func readFilter(d *document) (string, bool) {
	const rule = "must be a CEL expression"
	if d.null("filter") {
		return "", true
	}
	text, ok := read[string](d, "filter", rule)
	if !ok || text == "" {
		return "", ok
	}
	if _, err := filter.Compile(text); err != nil {
		d.fault("filter", text, rule+": "+err.Error())
		return "", false
	}
	return text, true
}

// filterErrorsTimeout bounds the wait for what is only shown.
const filterErrorsTimeout = 300 * time.Millisecond

// showFilterErrors fills in what went wrong with filters, unless Redis is away.
func (s *Service) showFilterErrors(ctx context.Context, webhooks []Webhook) {
	var ids []string
	var places []int
	for i, w := range webhooks {
		if w.Filter != nil && w.Status != string(hook.Revoked) {
			ids, places = append(ids, w.ID), append(places, i)
		}
	}
	if s.cfg.Filters == nil || len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, filterErrorsTimeout)
	defer cancel()
	found, err := s.cfg.Filters.FilterErrors(ctx, ids)
	if err != nil {
		s.log.Debug("errors of filters are not known", zap.Error(err))
		return
	}
	for n, e := range found {
		if e.Count > 0 {
			webhooks[places[n]].FilterErrors = &FilterFailures{
				Count: e.Count, Last: LastFilterFailure{At: e.At, EventID: e.Event, Message: e.Message},
			}
		}
	}
}

// forgetFilterErrors drops what was wrong with the filter that a webhook had.
func (s *Service) forgetFilterErrors(ctx context.Context, w *Webhook) {
	w.FilterErrors = nil
	if s.cfg.Filters == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, filterErrorsTimeout)
	defer cancel()
	if err := s.cfg.Filters.Forget(ctx, w.ID); err != nil {
		s.log.Debug("errors of an old filter are not forgotten", zap.Error(err))
	}
}
