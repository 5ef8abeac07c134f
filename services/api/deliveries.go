package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// statusFailed in a filter means retrying or exhausted.
const statusFailed = "failed"

// failedFates are what it means.
var failedFates = []hook.Fate{hook.FateRetrying, hook.FateExhausted}

// fates that a filter may name.
var fates = []hook.Fate{
	hook.FatePending, hook.FateRetrying, hook.FateDelivered, hook.FateExhausted, hook.FateHeld,
	hook.FateSuperseded, hook.FateDropped, hook.FateCancelled, statusFailed,
}

type deliveryListInput struct {
	PageQuery
	Status   []string  `query:"status" doc:"pending, retrying, delivered, exhausted, held, superseded, dropped, cancelled, or failed, which is retrying or exhausted; several, comma separated."`
	Webhook  string    `query:"webhook" doc:"Id of a webhook."`
	ItemType string    `query:"itemType" doc:"In English or Italian."`
	ItemID   string    `query:"itemId"`
	EventID  string    `query:"eventId"`
	Store    string    `query:"store"`
	Reason   string    `query:"reason" doc:"Why the last attempt failed, or why there was none; needs a status, and not delivered."`
	From     time.Time `query:"from" doc:"Published at this time or later."`
	To       time.Time `query:"to" doc:"Published before this time."`
}

type deliveryInput struct {
	PathID
	Payload bool `query:"payload" default:"true" doc:"false: without the payload, which takes longer than the rest; it is null then."`
}

type deliveryAnswer struct {
	Body DeliveryDetails
}

func (s *Service) deliveryRoutes() {
	tags := []string{"deliveries"}
	readable := access{scope: hook.ScopeRead}
	handle(s, huma.Operation{
		OperationID: "list-deliveries", Method: http.MethodGet, Path: "/v1/deliveries", Tags: tags,
		Summary: "List deliveries", Description: "The log, newest first.",
	}, readable, nil, s.listDeliveries)
	handle(s, huma.Operation{
		OperationID: "get-delivery", Method: http.MethodGet, Path: "/v1/deliveries/{id}", Tags: tags,
		Summary: "Get a delivery", Description: "With its attempts and its payload.", Errors: []int{http.StatusNotFound},
	}, readable, nil, s.getDelivery)
	handle(s, huma.Operation{
		OperationID: "retry-delivery", Method: http.MethodPost, Path: "/v1/deliveries/{id}/retry", Tags: tags,
		Summary: "Deliver it again now",
		Description: "Under the same delivery id, with all the attempts of the retry schedule ahead; whatever waits of it is dropped. " +
			"409 if its webhook is revoked, or has ordering \"item\" and holds it: it is sent in its order then. 410 if its payload has expired.",
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopeWrite, beyond: true, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Delivery(ctx, p.Account, id)
		return err
	}}, nil, s.retryDelivery)
}

func (s *Service) listDeliveries(ctx context.Context, in *deliveryListInput) (*listed[Delivery], error) {
	statuses, err := readStatuses(in.Status)
	if err != nil {
		return nil, err
	}
	if err := checkReason(in.Reason); err != nil {
		return nil, err
	}
	if in.Reason != "" && (len(statuses) == 0 || slices.Contains(statuses, hook.FateDelivered)) {
		// All of the log would be looked through: what was delivered has none.
		var faults faultList
		faults.add("reason", in.Reason, "needs a status beside it, such as exhausted, and not delivered")
		return nil, faults.err()
	}
	filter := hook.DeliveryFilter{
		Statuses: statuses, Webhook: in.Webhook, ItemType: catalogue.Canonical(in.ItemType),
		ItemID: in.ItemID, EventID: in.EventID, Store: in.Store, Reason: hook.Reason(in.Reason), From: in.From, To: in.To,
	}
	rows, next, err := s.cfg.Store.Deliveries(ctx, principal(ctx).Account, filter, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showDelivery), nil
}

// checkReason checks a reason of a filter; empty: it does not narrow.
func checkReason(name string) error {
	var faults faultList
	if name != "" && !slices.Contains(hook.Reasons, hook.Reason(name)) {
		faults.add("reason", name, "must be "+oneOf(hook.Reasons))
	}
	return faults.err()
}

func readStatuses(names []string) ([]hook.Fate, error) {
	var faults faultList
	var statuses []hook.Fate
	for _, name := range names {
		switch status := hook.Fate(name); {
		case status == statusFailed:
			statuses = append(statuses, failedFates...)
		case slices.Contains(fates, status):
			statuses = append(statuses, status)
		default:
			faults.add("status", name, "must be "+oneOf(fates))
		}
	}
	return statuses, faults.err()
}

func (s *Service) getDelivery(ctx context.Context, in *deliveryInput) (*deliveryAnswer, error) {
	account := principal(ctx).Account
	d, err := s.cfg.Store.Delivery(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.cfg.Store.Attempts(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	details := DeliveryDetails{Delivery: showDelivery(d), Attempts: make([]Attempt, len(attempts))}
	for i, a := range attempts {
		details.Attempts[i] = showAttempt(a)
	}
	if in.Payload {
		s.addPayload(ctx, &details, d)
	} else {
		details.Payload = json.RawMessage("null")
	}
	return &deliveryAnswer{Body: details}, nil
}

// addPayload adds the event as it was published. Kafka being away leaves the
// rest of the answer useful.
func (s *Service) addPayload(ctx context.Context, details *DeliveryDetails, d hook.Delivery) {
	ctx, cancel := context.WithTimeout(ctx, payloadTimeout)
	defer cancel()
	e, err := s.cfg.Payloads.Payload(ctx, d)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		details.Payload, details.PayloadExpired = json.RawMessage("null"), true
		return
	case err != nil:
		s.log.Warn("a payload could not be read", zap.String("delivery", details.ID), zap.Stringer("at", d.Bundle), zap.Error(err), telemetry.TraceOf(ctx))
		details.Payload, details.PayloadUnavailable = json.RawMessage("null"), true
		return
	}
	details.Payload = codec.AppendJSON(nil, e)
}

// payloadTimeout bounds how long an answer waits for Kafka.
const payloadTimeout = 5 * time.Second
