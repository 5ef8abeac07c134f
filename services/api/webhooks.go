package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

type webhookAnswer struct {
	ETag     string `header:"ETag" doc:"For If-Match."`
	Location string `header:"Location"`
	Body     Webhook
}

type webhookPatchInput struct {
	IDAndBody
	Precondition
}

type webhookChangeInput struct {
	PathID
	Precondition
}

func (s *Service) answerWebhook(ctx context.Context, w hook.Webhook) *webhookAnswer {
	shown := []Webhook{s.showWebhook(w)}
	s.showHealth(ctx, shown, []hook.Webhook{w})
	return &webhookAnswer{ETag: etag(w), Body: shown[0]}
}

// showHealth fills in how webhooks fare, as far as that is known.
func (s *Service) showHealth(ctx context.Context, shown []Webhook, webhooks []hook.Webhook) {
	s.showCircuits(ctx, shown)
	s.showFilterErrors(ctx, shown)
	s.showStreaks(ctx, shown, webhooks)
}

func (s *Service) webhookRoutes() {
	tags := []string{"webhooks"}
	readable := access{scope: hook.ScopeRead}
	writable := access{scope: hook.ScopeWrite}
	existing := access{scope: hook.ScopeWrite, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Webhook(ctx, p.Account, id)
		return err
	}}
	changing := []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	handle(s, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: "/v1/webhooks", Tags: tags,
		Summary:     "List webhooks",
		Description: "Newest first, or as sort says. A cursor goes on in the order that it is of; with another it is refused.",
	}, readable, nil, s.listWebhooks)
	handle(s, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: "/v1/webhooks", Tags: tags,
		Summary: "Create a webhook", Description: "The answer shows its secret, this once.",
		DefaultStatus: http.StatusCreated,
	}, writable, NewWebhook{}, s.createWebhook)
	handle(s, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: "/v1/webhooks/{id}", Tags: tags,
		Summary: "Get a webhook", Errors: []int{http.StatusNotFound},
	}, readable, nil, s.getWebhook)
	handle(s, huma.Operation{
		OperationID: "update-webhook", Method: http.MethodPatch, Path: "/v1/webhooks/{id}", Tags: tags,
		Summary: "Change a webhook", Description: "With url, even the same, a disabled webhook is enabled again.",
		Errors: changing,
	}, existing, WebhookPatch{}, s.updateWebhook)
	handle(s, huma.Operation{
		OperationID: "rotate-webhook-secret", Method: http.MethodPost, Path: "/v1/webhooks/{id}/rotate-secret", Tags: tags,
		Summary:     "Give a webhook another secret",
		Description: "The answer shows it, this once. The present one lasts beside it for the overlap.",
		Errors:      changing,
	}, existing, RotateSecret{}, s.rotateSecret)
	handle(s, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodDelete, Path: "/v1/webhooks/{id}", Tags: tags,
		Summary:       "Revoke a webhook",
		Description:   "Cancels what is pending. By id it is then shown as revoked; lists leave it out.",
		DefaultStatus: http.StatusNoContent, Errors: changing,
	}, existing, nil, s.deleteWebhook)
	handle(s, huma.Operation{
		OperationID: "pause-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/pause", Tags: tags,
		Summary: "Pause a webhook", Description: "Deliveries are held or dropped from now, as onPause says.",
		Errors: changing,
	}, existing, nil, s.pauseWebhook)
	handle(s, huma.Operation{
		OperationID: "resume-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/resume", Tags: tags,
		Summary:     "Resume a webhook",
		Description: "Delivers what was held, oldest first; it is resuming until that is done, then active.",
		Errors:      changing,
	}, existing, nil, s.resumeWebhook)
}

func (s *Service) getWebhook(ctx context.Context, in *PathID) (*webhookAnswer, error) {
	w, err := s.cfg.Store.Webhook(ctx, principal(ctx).Account, in.ID)
	if err != nil {
		return nil, err
	}
	return s.answerWebhook(ctx, w), nil
}

func (s *Service) createWebhook(ctx context.Context, in *JSONBody) (*webhookAnswer, error) {
	settings, err := s.readSettings(in.RawBody, true)
	if err != nil {
		return nil, err
	}
	w, secret, err := s.madeOf(ctx, settings)
	if err != nil {
		return nil, err
	}
	if w, err = s.cfg.Store.CreateWebhook(ctx, w); err != nil {
		return nil, err
	}
	s.publisher.wake()
	answer := s.answerWebhook(ctx, w)
	answer.Body.Secret = secret
	answer.Location = "/v1/webhooks/" + w.ID
	return answer, nil
}

// madeOf is a new webhook, and the text of its secret. The error may be one of fields.
func (s *Service) madeOf(ctx context.Context, given settings) (w hook.Webhook, secret string, err error) {
	now := s.now()
	w = newWebhook(newID("wh_", now), principal(ctx).Account, now)
	if len(given.notices) > 0 {
		w.EventTypes = nil // it has none by default
	}
	given.apply(&w)
	if err := checkNotices(&w); err != nil {
		return w, "", err
	}
	if secret, err = s.firstSecret(&w, given.secret); err != nil {
		return w, "", err
	}
	return w, secret, s.setCredentials(&w, hook.Webhook{}, given)
}

func (s *Service) updateWebhook(ctx context.Context, in *webhookPatchInput) (*webhookAnswer, error) {
	settings, err := s.readSettings(in.RawBody, false)
	if err != nil {
		return nil, err
	}
	refiltered := false
	answer, err := s.change(ctx, in.ID, in.IfMatch, func(w *hook.Webhook) error {
		filter := w.Filter
		err := s.edit(w, settings)
		refiltered = w.Filter != filter
		return err
	})
	if err == nil && refiltered {
		s.forgetFilterErrors(ctx, &answer.Body)
	}
	return answer, err
}

// edit changes the settings of a webhook. The error may be one of fields.
func (s *Service) edit(w *hook.Webhook, given settings) error {
	before := *w
	given.apply(w)
	if w.Format.PerItem() != before.Format.PerItem() {
		return hook.FieldError{Field: "format", Value: string(w.Format), Rule: "must not change to or from " +
			string(hook.FormatCassaInCloud) + ", which has a delivery per item: make another webhook"}
	}
	if w.Operational() != before.Operational() {
		return hook.FieldError{Field: "notices", Value: strings.Join(words(w.Notices), ", "), Rule: "must not become empty, or cease to be: " +
			"whether a webhook is told of changes or of notices is for life; make another webhook"}
	}
	if err := checkNotices(w); err != nil {
		return err
	}
	// Seed 001: saving the URL, as the first time, makes it work again.
	if given.url != nil {
		w.EnabledAt = s.now()
	}
	if given.url != nil && w.Status == hook.Disabled {
		resume(w, s.now())
	}
	if err := s.setCredentials(w, before, given); err != nil {
		return err
	}
	return s.changeSecret(w, before, given.secret)
}

func (s *Service) pauseWebhook(ctx context.Context, in *webhookChangeInput) (*webhookAnswer, error) {
	return s.change(ctx, in.ID, in.IfMatch, func(w *hook.Webhook) error {
		if w.Status != hook.Paused {
			pause(w, s.now())
		}
		return nil
	})
}

func (s *Service) resumeWebhook(ctx context.Context, in *webhookChangeInput) (*webhookAnswer, error) {
	return s.change(ctx, in.ID, in.IfMatch, func(w *hook.Webhook) error {
		if w.Status == hook.Paused || w.Status == hook.Disabled {
			resume(w, s.now())
		}
		return nil
	})
}

func (s *Service) deleteWebhook(ctx context.Context, in *webhookChangeInput) (*empty, error) {
	answer, err := s.change(ctx, in.ID, in.IfMatch, func(w *hook.Webhook) error {
		w.Status, w.RevokedAt = hook.Revoked, s.now()
		return nil
	})
	if err == nil {
		s.forgetFilterErrors(ctx, &answer.Body)
	}
	if errors.Is(err, hook.ErrRevoked) {
		return nil, nil // it is what the client wants
	}
	return nil, err
}

func (s *Service) change(ctx context.Context, id, match string, edit func(*hook.Webhook) error) (*webhookAnswer, error) {
	meant, err := readIfMatch(match)
	if err != nil {
		return nil, err
	}
	w, err := s.cfg.Store.UpdateWebhook(ctx, principal(ctx).Account, id, 0, func(w *hook.Webhook) error {
		if !meant.include(etag(*w)) {
			return hook.ErrStale
		}
		return edit(w)
	})
	if err != nil {
		return nil, err
	}
	s.publisher.wake()
	return s.answerWebhook(ctx, w), nil
}

// circuitsTimeout bounds the wait for what is only shown.
const circuitsTimeout = 300 * time.Millisecond

// showCircuits fills in the state of the breakers, unless Redis is away.
func (s *Service) showCircuits(ctx context.Context, webhooks []Webhook) {
	if s.cfg.Circuits == nil {
		return
	}
	ids := make([]string, len(webhooks))
	for i, w := range webhooks {
		ids[i] = w.ID
	}
	ctx, cancel := context.WithTimeout(ctx, circuitsTimeout)
	defer cancel()
	states, err := s.cfg.Circuits.Circuits(ctx, ids)
	if err != nil {
		s.log.Debug("circuits are not known", zap.Error(err))
		return
	}
	for i, state := range states {
		if webhooks[i].Status != string(hook.Revoked) {
			webhooks[i].Circuit = state
		}
	}
}

// pause keeps the time of an earlier suspension by the system.
func pause(w *hook.Webhook, now time.Time) {
	w.Status = hook.Paused
	if w.SuspendedAt.IsZero() {
		w.SuspendedAt = now
	}
}

func resume(w *hook.Webhook, now time.Time) {
	w.Status, w.SuspendedAt, w.EnabledAt = hook.Resuming, time.Time{}, now
}
