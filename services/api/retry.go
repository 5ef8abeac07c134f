package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/rerun"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

type retryAnswer struct {
	Body Delivery
}

// retryDelivery hands one delivery to its sender in a new run. That run is in
// Kafka before the log says so: whatever fails here in between, it is delivered.
func (s *Service) retryDelivery(ctx context.Context, in *PathID) (*retryAnswer, error) {
	account := principal(ctx).Account
	d, err := s.cfg.Store.Delivery(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	w, err := s.cfg.Store.Webhook(ctx, account, d.Webhook)
	if err != nil {
		return nil, err
	}
	if w.Status == hook.Revoked {
		return nil, problem.New(http.StatusConflict, "", "webhook "+strconv.Quote(w.ID)+" is revoked: nothing is sent there any more", nil)
	}
	if d.Status == hook.FateHeld && w.Ordering == hook.OrderedByItem {
		return nil, problem.New(http.StatusConflict, "", "delivery "+strconv.Quote(d.ID)+" is held and webhook "+strconv.Quote(w.ID)+
			` has ordering "item": it is sent in its order when the webhook is resumed`, nil)
	}
	if err := s.cfg.Store.Note(ctx, account, d.ID); err != nil {
		return nil, err
	}
	run := rerun.After(s.now(), d)
	if err := s.rerun(ctx, d, run); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Released(ctx, []hook.Delivery{d}, run); err != nil {
		return nil, err
	}
	if d, err = s.cfg.Store.Delivery(ctx, account, in.ID); err != nil {
		return nil, err
	}
	return &retryAnswer{Body: showDelivery(d)}, nil
}

func (s *Service) rerun(ctx context.Context, d hook.Delivery, run int64) error {
	writing, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	err := s.cfg.Reruns.Rerun(writing, d, run)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return problem.New(http.StatusGone, "", string(hook.ReasonPayloadGone)+": the payload of delivery "+strconv.Quote(d.ID)+
			" is no longer in Kafka, so it cannot be sent again", nil)
	case err != nil && ctx.Err() == nil:
		s.log.Error("a delivery could not be sent again", zap.String("delivery", d.ID), zap.Error(err), telemetry.TraceOf(ctx))
		return problem.New(http.StatusServiceUnavailable, "", "Kafka does not answer; try again", nil)
	}
	return err
}
