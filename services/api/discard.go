package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// mostGivenUp bounds the deliveries of one request.
const mostGivenUp = 1_000

// DiscardedDeliveries is what came of a filter.
type DiscardedDeliveries struct {
	Discarded int  `json:"discarded" doc:"How many were discarded: the newest, and at most 1,000."`
	More      bool `json:"more" doc:"There are others: ask again."`
}

type giveUpInput struct {
	Webhook  string    `query:"webhook" doc:"Id of a webhook. One of these parameters must be there."`
	ItemType string    `query:"itemType" doc:"In English or Italian."`
	ItemID   string    `query:"itemId"`
	EventID  string    `query:"eventId"`
	Store    string    `query:"store"`
	Reason   string    `query:"reason" doc:"Why the last attempt failed, or why there was none."`
	From     time.Time `query:"from" doc:"Published at this time or later."`
	To       time.Time `query:"to" doc:"Published before this time."`
}

type giveUpAnswer struct {
	Body DiscardedDeliveries
}

func (s *Service) discardRoutes() {
	tags := []string{"deliveries"}
	handle(s, huma.Operation{
		OperationID: "discard-delivery", Method: http.MethodDelete, Path: "/v1/deliveries/{id}", Tags: tags,
		Summary: "Discard an exhausted delivery",
		Description: "It is cancelled then, with the reason discarded: no recovery offers it any more. It stays in the log, and can still be " +
			"delivered again by its id. 409 unless it is exhausted.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, access{scope: hook.ScopeWrite, beyond: true, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Delivery(ctx, p.Account, id)
		return err
	}}, nil, s.discardDelivery)
	handle(s, huma.Operation{
		OperationID: "discard-deliveries", Method: http.MethodDelete, Path: "/v1/deliveries", Tags: tags,
		Summary:       "Discard exhausted deliveries",
		Description:   "Those of the exhausted that a filter finds: at most 1,000 at a time, the newest first.",
		DefaultStatus: http.StatusOK,
	}, access{scope: hook.ScopeWrite, beyond: true}, nil, s.discardDeliveries)
}

func (s *Service) discardDelivery(ctx context.Context, in *PathID) (*empty, error) {
	err := s.cfg.Store.DiscardDelivery(ctx, principal(ctx).Account, in.ID)
	if errors.Is(err, hook.ErrStale) {
		return nil, problem.New(http.StatusConflict, "", "delivery "+strconv.Quote(in.ID)+" is not exhausted: only those can be discarded", nil)
	}
	return nil, err
}

func (s *Service) discardDeliveries(ctx context.Context, in *giveUpInput) (*giveUpAnswer, error) {
	if err := checkReason(in.Reason); err != nil {
		return nil, err
	}
	filter := hook.DeliveryFilter{
		Webhook: in.Webhook, ItemType: catalogue.Canonical(in.ItemType), ItemID: in.ItemID, EventID: in.EventID,
		Store: in.Store, Reason: hook.Reason(in.Reason), From: in.From, To: in.To,
	}
	var faults faultList
	switch {
	case *in == (giveUpInput{}):
		faults.add("webhook", "", "is required, or another parameter: not everything is meant by nothing")
	case !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To):
		faults.add("from", in.From.Format(time.RFC3339Nano), "must be before to")
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	discarded, more, err := s.cfg.Store.DiscardDeliveries(ctx, principal(ctx).Account, filter, mostGivenUp)
	if err != nil {
		return nil, err
	}
	return &giveUpAnswer{Body: DiscardedDeliveries{Discarded: discarded, More: more}}, nil
}
