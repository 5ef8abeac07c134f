package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

type replayAnswer struct {
	Location string `header:"Location"`
	Body     Replay
}

func (s *Service) replayRoutes() {
	tags := []string{"replays"}
	readable := access{scope: hook.ScopeRead}
	existing := access{scope: hook.ScopeWrite, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Replay(ctx, p.Account, id)
		return err
	}}
	handle(s, huma.Operation{
		OperationID: "list-replays", Method: http.MethodGet, Path: "/v1/replays", Tags: tags,
		Summary: "List replays", Description: "Newest first.",
	}, readable, nil, s.listReplays)
	handle(s, huma.Operation{
		OperationID: "create-replay", Method: http.MethodPost, Path: "/v1/replays", Tags: tags,
		Summary: "Replay a time range",
		Description: "Delivers again what happened: the deliveries of a webhook (source), or every event that the receiving webhook's " +
			"subscription covers. To the webhook that had them the deliveries keep their ids. One replay at a time runs to a webhook, and 5 of an account: 409.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, access{scope: hook.ScopeWrite}, NewReplay{}, s.createReplay)
	handle(s, huma.Operation{
		OperationID: "get-replay", Method: http.MethodGet, Path: "/v1/replays/{id}", Tags: tags,
		Summary: "Get a replay", Description: "With its progress, which is noted each second.", Errors: []int{http.StatusNotFound},
	}, readable, nil, s.getReplay)
	handle(s, huma.Operation{
		OperationID: "cancel-replay", Method: http.MethodDelete, Path: "/v1/replays/{id}", Tags: tags,
		Summary:       "Cancel a replay",
		Description:   "It stops within a second; what was handed to the senders is delivered. It can be resumed.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, existing, nil, s.cancelReplay)
	handle(s, huma.Operation{
		OperationID: "resume-replay", Method: http.MethodPost, Path: "/v1/replays/{id}/resume", Tags: tags,
		Summary: "Resume a cancelled replay", Description: "It goes on from where it was.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, existing, nil, s.resumeReplay)
	handle(s, huma.Operation{
		OperationID: "recover-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/recover", Tags: []string{"webhooks"},
		Summary:       "Deliver again what failed",
		Description:   "Makes a replay of the webhook's deliveries that are retrying or exhausted.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, access{scope: hook.ScopeWrite, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Webhook(ctx, p.Account, id)
		return err
	}}, Recovery{}, s.recoverWebhook)
}

func (s *Service) listReplays(ctx context.Context, in *struct{ PageQuery }) (*listed[Replay], error) {
	rows, next, err := s.cfg.Store.Replays(ctx, principal(ctx).Account, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showReplay), nil
}

func (s *Service) getReplay(ctx context.Context, in *PathID) (*replayAnswer, error) {
	return answerReplay(s.cfg.Store.Replay(ctx, principal(ctx).Account, in.ID))
}

func answerReplay(r hook.Replay, err error) (*replayAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &replayAnswer{Body: showReplay(r)}, nil
}

func (s *Service) createReplay(ctx context.Context, in *JSONBody) (*replayAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	d.require("webhook")
	d.require("from")
	now := s.now()
	r := s.newReplay(ctx, now)
	webhook, err := s.readWebhook(ctx, d, "webhook")
	if err != nil {
		return nil, err
	}
	var source hook.Webhook
	if !d.null("source") {
		if source, err = s.readWebhook(ctx, d, "source"); err != nil {
			return nil, err
		}
	}
	r.Webhook, r.Source = webhook.ID, source.ID
	checkSource(d, &webhook, &source)
	if !d.null("status") {
		r.Statuses = readMeantStatus(d)
	}
	r.ItemTypes = slices.DeleteFunc(readItemTypes(d), func(t string) bool { return t == hook.AnyItemType })
	if to, ok := d.time("to"); ok && to.Before(now) {
		r.To = to
	}
	r.From = readFrom(d, r.To)
	if rate, ok := integer(d, "rate", 1, hook.MaxReplayRate); ok {
		r.Rate = rate
	}
	if err := d.end("id", "state", "progress", "detail", "createdAt", "updatedAt", "endedAt"); err != nil {
		return nil, err
	}
	return s.beginReplay(ctx, r)
}

// newReplay has the defaults.
func (s *Service) newReplay(ctx context.Context, now time.Time) hook.Replay {
	return hook.Replay{
		ID: newID("rpl_", now), Account: principal(ctx).Account, To: now, Rate: hook.DefaultReplayRate, Run: now.UnixMicro(),
	}
}

// readWebhook reads the id of a webhook that is there, and the webhook; the zero one
// if the body has a fault there, or nothing.
func (s *Service) readWebhook(ctx context.Context, d *document, name string) (w hook.Webhook, err error) {
	id, ok := read[string](d, name, "must be the id of a webhook")
	if !ok {
		return w, nil
	}
	err = hook.ErrNotFound
	if readable(id) {
		w, err = s.cfg.Store.Webhook(ctx, principal(ctx).Account, id)
	}
	if errors.Is(err, hook.ErrNotFound) {
		d.fault(name, id, "must be the id of a webhook of this account")
		return hook.Webhook{}, nil
	}
	return w, err
}

// checkSource refuses a replay in which there is nothing that the webhook would get.
func checkSource(d *document, w, source *hook.Webhook) {
	switch {
	case w.ID == "":
	case source.ID != "" && source.Operational() != w.Operational():
		d.fault("source", source.ID, "must be told of what the webhook is told of: changes of items, or notices")
	case source.ID == "" && w.Operational():
		if _, given := d.members["source"]; !given || d.null("source") {
			d.fault("source", "", "is required: an operational webhook gets no events, and the notices of before are in its log")
		}
	}
}

// readMeantStatus reads which deliveries of the source are meant.
func readMeantStatus(d *document) []hook.Fate {
	status, ok := choice(d, "status", fates)
	if !ok {
		return nil
	}
	if _, sourced := d.members["source"]; !sourced || d.null("source") {
		d.fault("status", string(status), "needs a source: events have no status")
	}
	return fatesOf(status)
}

// readFrom reads the beginning of a range that ends at to, which is now at most.
func readFrom(d *document, to time.Time) time.Time {
	from, ok := d.time("from")
	if ok && !from.Before(to) {
		d.fault("from", from.Format(time.RFC3339Nano), "must be before now, and before to")
	}
	return from
}

func (s *Service) recoverWebhook(ctx context.Context, in *IDAndBody) (*replayAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	d.require("from")
	now := s.now()
	r := s.newReplay(ctx, now)
	r.Webhook, r.Source, r.Statuses = in.ID, in.ID, failedFates
	r.From = readFrom(d, r.To)
	if err := d.end(); err != nil {
		return nil, err
	}
	return s.beginReplay(ctx, r)
}

func (s *Service) beginReplay(ctx context.Context, r hook.Replay) (*replayAnswer, error) {
	made, err := s.cfg.Store.CreateReplay(ctx, r)
	switch {
	case errors.Is(err, hook.ErrConflict):
		return nil, anotherRuns(r.Webhook)
	case errors.Is(err, hook.ErrTooMany):
		return nil, tooManyRun()
	}
	answer, err := answerReplay(made, err)
	if err == nil {
		answer.Location = "/v1/replays/" + made.ID
	}
	return answer, err
}

func tooManyRun() error {
	return problem.New(http.StatusConflict, "", strconv.Itoa(hook.MaxRunningReplays)+
		" replays of the account are running, and no more run at a time: wait for the end of one, or cancel it", nil)
}

func anotherRuns(webhook string) error {
	return problem.New(http.StatusConflict, "", "another replay to webhook "+strconv.Quote(webhook)+
		" is running: wait for its end, or cancel it", nil)
}

func (s *Service) cancelReplay(ctx context.Context, in *PathID) (*empty, error) {
	_, err := s.cfg.Store.CancelReplay(ctx, principal(ctx).Account, in.ID)
	return nil, err
}

func (s *Service) resumeReplay(ctx context.Context, in *PathID) (*replayAnswer, error) {
	r, err := s.cfg.Store.ResumeReplay(ctx, principal(ctx).Account, in.ID)
	switch {
	case errors.Is(err, hook.ErrStale):
		return nil, problem.New(http.StatusConflict, "", "it is done or failed: only a cancelled replay can be resumed", nil)
	case errors.Is(err, hook.ErrConflict):
		return nil, problem.New(http.StatusConflict, "", "another replay to its webhook is running: wait for its end, or cancel it", nil)
	case errors.Is(err, hook.ErrTooMany):
		return nil, tooManyRun()
	}
	return answerReplay(r, err)
}
