package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// maxTestEvents is the most events of one test.
const maxTestEvents = 10

// publishedEvery is how often it is looked whether a change has reached the cache.
const publishedEvery = 20 * time.Millisecond

// TestWebhook is the body that tries a webhook out.
type TestWebhook struct {
	ItemTypes []string `json:"itemTypes,omitempty" nullable:"false" minItems:"1" maxItems:"10" example:"[\"Contact\"]" doc:"In English or Italian. By default those that the webhook has chosen, at most 10; of * the first 10 of the catalogue. Left out for an operational webhook."`
}

// TestDelivery is one of a test.
type TestDelivery struct {
	ID        string `json:"id" doc:"Of the delivery."`
	EventID   string `json:"eventId"`
	EventType string `json:"eventType" enum:"create,update,delete,notice"`
	ItemType  string `json:"itemType" doc:"Of a notice its kind, such as webhook.failing."`
}

// TestDeliveries are what a test leads to.
type TestDeliveries struct {
	Items []TestDelivery `json:"items" nullable:"false"`
}

type testAnswer struct {
	Body TestDeliveries
}

func (s *Service) testRoute() {
	const path = "/v1/webhooks/{id}/test"
	handle(s, huma.Operation{
		OperationID: "test-webhook", Method: http.MethodPost, Path: path, Tags: []string{"webhooks"},
		Summary: "Try a webhook out",
		Description: "Posts a made-up event of each item type, once, with the header Staffetta-Test: true; the items' ids begin with TEST. " +
			"To an operational webhook it posts one of each of its notices. " +
			"Also to a webhook that is paused or disabled. It counts for neither quota nor failures.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopeWrite, beyond: true, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Webhook(ctx, p.Account, id)
		return err
	}}, TestWebhook{}, s.testWebhook)
	s.api.OpenAPI().Paths[path].Post.RequestBody.Required = false
}

func (s *Service) testWebhook(ctx context.Context, in *IDAndBody) (*testAnswer, error) {
	types, err := readTest(in.RawBody)
	if err != nil {
		return nil, err
	}
	w, err := s.cfg.Store.Webhook(ctx, principal(ctx).Account, in.ID)
	if err != nil {
		return nil, err
	}
	if w.Status == hook.Revoked {
		return nil, hook.ErrRevoked
	}
	if types != nil && w.Operational() {
		return nil, hook.FieldError{Field: "itemTypes", Value: strings.Join(types, ", "), Rule: "must be left out: the webhook is told of notices"}
	}
	events := s.samples(&w, types)
	if err := s.published(ctx, w.Account); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Note(ctx, w.Account, w.ID); err != nil {
		return nil, err
	}
	answer := &testAnswer{Body: TestDeliveries{Items: make([]TestDelivery, len(events))}}
	item := -1
	if w.Format.PerItem() {
		item = 0
	}
	for i := range events {
		e := &events[i]
		answer.Body.Items[i] = TestDelivery{ID: hook.DeliveryID(e.ID, w.ID, item), EventID: e.ID, EventType: string(e.Type), ItemType: e.ItemType}
	}
	writing, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := s.cfg.Tests.Try(writing, &w, events); err != nil {
		if ctx.Err() == nil {
			s.log.Error("a webhook could not be tried out", zap.String("webhook", w.ID), zap.Error(err), telemetry.TraceOf(ctx))
		}
		return nil, problem.New(http.StatusServiceUnavailable, "", "Kafka does not answer; try again", nil)
	}
	return answer, nil
}

// samples are what a webhook is tried out with: an event of each type, nil for those
// that it chose, or of each notice.
func (s *Service) samples(w *hook.Webhook, types []string) []hook.Event {
	now := s.now()
	if w.Operational() {
		return sampleNotices(w, now)
	}
	if types == nil {
		types = testedTypes(w)
	}
	events := make([]hook.Event, len(types))
	for i, itemType := range types {
		events[i] = sampleEvent(w, itemType, now)
	}
	return events
}

// readTest reads which types are meant; nil: those of the webhook.
func readTest(body []byte) ([]string, error) {
	if len(body) == 0 {
		return nil, nil
	}
	d, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	types, _ := d.texts("itemTypes", 1, maxTestEvents, func(text string) (string, string) {
		if text == hook.AnyItemType {
			return "", "must be the name of an item type: leave itemTypes out for all"
		}
		return itemType(text)
	})
	return types, d.end()
}

// published waits until the cache has what the store has of an account: the sender
// would else test the webhook as it was before, or not find it.
func (s *Service) published(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	again := time.NewTicker(publishedEvery)
	defer again.Stop()
	for {
		done, err := s.cfg.Store.AccountPublished(ctx, account)
		switch {
		case done:
			return nil
		case err == nil:
		case ctx.Err() == nil:
			return err
		}
		s.publisher.wake()
		select {
		case <-again.C:
		case <-ctx.Done():
			return problem.New(http.StatusServiceUnavailable, "", "the last change of the account has not reached the senders yet; try again", nil)
		}
	}
}
