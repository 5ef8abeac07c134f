package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// QuarantineRedrive is what sends many quarantined records again, as the API shows it.
type QuarantineRedrive struct {
	ID        string                    `json:"id"`
	Account   *string                   `json:"account" doc:"Whose records are meant; null: those of all, of the operator's."`
	Reason    *string                   `json:"reason" doc:"Only those; null: all."`
	Topic     *string                   `json:"topic" doc:"Only those that were read there; null: all."`
	From      *time.Time                `json:"from" doc:"Quarantined at this time or later; null: since ever."`
	To        time.Time                 `json:"to" doc:"Quarantined before this time: just behind the newest that there was, or less."`
	Patch     json.RawMessage           `json:"patch" doc:"The JSON merge patch for their values; null: they go as they came."`
	Rate      int                       `json:"rate" doc:"The most records a second; reached within 5 s."`
	State     string                    `json:"state" enum:"running,done,cancelled"`
	Progress  QuarantineRedriveProgress `json:"progress"`
	CreatedAt time.Time                 `json:"createdAt"`
	UpdatedAt time.Time                 `json:"updatedAt"`
	EndedAt   *time.Time                `json:"endedAt" doc:"When it was done or cancelled; null while it runs."`
}

// QuarantineRedriveProgress is how far it is.
type QuarantineRedriveProgress struct {
	Total  int64            `json:"total" doc:"Records that it meant when it was made."`
	Done   int64            `json:"done" doc:"How many of those it has tried; what somebody else sent or discarded meanwhile is not among them."`
	Sent   int64            `json:"sent" doc:"How many were sent again: Kafka has acknowledged them."`
	Failed map[string]int64 `json:"failed" nullable:"false" doc:"Those that could not be, by reason, and are open still: record_expired, payload_expired, record_cut, not_upstreams, other_account, no_topic, refused, or the reason for which the mended value is no event."`
}

// NewQuarantineRedrive is the body that asks for one.
type NewQuarantineRedrive struct {
	Reason string         `json:"reason,omitempty" maxLength:"100" example:"unknown_account" doc:"Only those. One of reason, topic, from and to must be there."`
	Topic  string         `json:"topic,omitempty" maxLength:"249" doc:"Only those that were read there."`
	From   time.Time      `json:"from,omitempty" doc:"Quarantined at this time or later."`
	To     time.Time      `json:"to,omitempty" doc:"Quarantined before this time; by default and at most all that there are now."`
	Patch  map[string]any `json:"patch,omitempty" doc:"A JSON merge patch (RFC 7396) for the value of each, of at most 64 KiB; without it they go as they came."`
	Rate   int            `json:"rate,omitempty" minimum:"1" maximum:"1000" doc:"The most records a second, reached within 5 s; 100 by default."`
}

// DiscardedRecords is what came of a filter.
type DiscardedRecords struct {
	Discarded int  `json:"discarded" doc:"How many were discarded: the oldest, and at most 10,000."`
	More      bool `json:"more" doc:"There are others: ask again."`
}

type redriveAnswer struct {
	Location string `header:"Location"`
	Body     QuarantineRedrive
}

type discardInput struct {
	Reason string    `query:"reason" maxLength:"100" doc:"Only those. One of reason, topic, from and to must be there."`
	Topic  string    `query:"topic" maxLength:"249" doc:"Only those that were read there."`
	State  string    `query:"state" enum:"open,redriven" default:"open" doc:"Only those: by default what is open."`
	From   time.Time `query:"from" doc:"Quarantined at this time or later."`
	To     time.Time `query:"to" doc:"Quarantined before this time."`
}

type discardAnswer struct {
	Body DiscardedRecords
}

// mostDiscarded bounds the rows of one transaction: a second of work or so.
const mostDiscarded = 10_000

const filterRule = "is required, or one of topic, from and to: not everything is meant by nothing"

func (s *Service) redriveRoutes() {
	tags := []string{"quarantine"}
	find := func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Redrive(ctx, p.Account, id)
		return err
	}
	handle(s, huma.Operation{
		OperationID: "discard-all-quarantined", Method: http.MethodDelete, Path: "/v1/quarantine", Tags: tags,
		Summary: "Discard quarantined records",
		Description: "All that a filter finds, for good: at most 10,000 at a time, the oldest first. With the admin key and without the header " +
			"Staffetta-Account, of all accounts.",
		DefaultStatus: http.StatusOK,
	}, access{scope: hook.ScopeWrite, whole: true}, nil, s.discardAll)
	handle(s, huma.Operation{
		OperationID: "list-quarantine-redrives", Method: http.MethodGet, Path: "/v1/quarantine-redrives", Tags: tags,
		Summary: "List redrives", Description: "Newest first. With the admin key and without the header Staffetta-Account, all of them.",
	}, access{scope: hook.ScopeRead, whole: true}, nil, s.listRedrives)
	handle(s, huma.Operation{
		OperationID: "create-quarantine-redrive", Method: http.MethodPost, Path: "/v1/quarantine-redrives", Tags: tags,
		Summary: "Send quarantined records again",
		Description: "All that are open now and that a filter finds, in the background: to the topics and partitions where they were read, as they came " +
			"or merged with a patch. That needs the scope publish too. A record that stays bad is counted and stays open. One redrive of an account " +
			"runs at a time: 409.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusConflict},
	}, access{scope: hook.ScopeWrite, whole: true}, NewQuarantineRedrive{}, s.createRedrive)
	handle(s, huma.Operation{
		OperationID: "get-quarantine-redrive", Method: http.MethodGet, Path: "/v1/quarantine-redrives/{id}", Tags: tags,
		Summary: "Get a redrive", Description: "With its progress.", Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeRead, whole: true}, nil, s.getRedrive)
	handle(s, huma.Operation{
		OperationID: "cancel-quarantine-redrive", Method: http.MethodDelete, Path: "/v1/quarantine-redrives/{id}", Tags: tags,
		Summary:       "Cancel a redrive",
		Description:   "It stops within a second or so. What it has not sent is open still, for another one.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeWrite, whole: true, find: find}, nil, s.cancelRedrive)
}

func (s *Service) discardAll(ctx context.Context, in *discardInput) (*discardAnswer, error) {
	filter := hook.QuarantineFilter{
		Reason: in.Reason, Topic: in.Topic, State: hook.QuarantineState(in.State), From: in.From, To: in.To,
	}
	var faults faultList
	switch {
	case filter.Reason == "" && filter.Topic == "" && filter.From.IsZero() && filter.To.IsZero():
		faults.add("reason", "", filterRule)
	case !filter.From.IsZero() && !filter.To.IsZero() && !filter.From.Before(filter.To):
		faults.add("from", filter.From.Format(time.RFC3339Nano), "must be before to")
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	discarded, more, err := s.cfg.Store.DiscardQuarantined(ctx, principal(ctx).Account, filter, mostDiscarded)
	if err != nil {
		return nil, err
	}
	return &discardAnswer{Body: DiscardedRecords{Discarded: discarded, More: more}}, nil
}

func (s *Service) listRedrives(ctx context.Context, in *struct{ PageQuery }) (*listed[QuarantineRedrive], error) {
	rows, next, err := s.cfg.Store.Redrives(ctx, principal(ctx).Account, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showRedrive), nil
}

func (s *Service) getRedrive(ctx context.Context, in *PathID) (*redriveAnswer, error) {
	r, err := s.cfg.Store.Redrive(ctx, principal(ctx).Account, in.ID)
	if err != nil {
		return nil, err
	}
	return &redriveAnswer{Body: showRedrive(r)}, nil
}

func (s *Service) createRedrive(ctx context.Context, in *JSONBody) (*redriveAnswer, error) {
	p := principal(ctx)
	r, err := readNewRedrive(in.RawBody)
	if err != nil {
		return nil, err
	}
	if r.Patch != "" && !p.May(hook.ScopePublish) {
		return nil, problem.New(http.StatusForbidden, "", "a patch makes other events: the key lacks the scope publish", nil)
	}
	r.ID, r.Account = newID("qrd_", s.now()), p.Account
	made, err := s.cfg.Store.CreateRedrive(ctx, r)
	if errors.Is(err, hook.ErrConflict) {
		return nil, problem.New(http.StatusConflict, "", "another redrive of the account is running: wait for its end, or cancel it", nil)
	}
	if err != nil {
		return nil, err
	}
	return &redriveAnswer{Location: "/v1/quarantine-redrives/" + made.ID, Body: showRedrive(made)}, nil
}

// readNewRedrive reads what is asked for. The error may be a problem.
func readNewRedrive(body []byte) (hook.Redrive, error) {
	d, err := readDocument(body)
	if err != nil {
		return hook.Redrive{}, err
	}
	r := hook.Redrive{Rate: hook.DefaultRedriveRate}
	r.Reason, _ = d.text("reason", 1, 100)
	r.Topic, _ = d.text("topic", 1, 249)
	var from, to bool
	r.From, from = d.time("from")
	r.To, to = d.time("to")
	if from && to && !r.From.Before(r.To) {
		d.fault("from", r.From.Format(time.RFC3339Nano), "must be before to")
	}
	if r.Reason == "" && r.Topic == "" && !from && !to {
		d.fault("reason", "", filterRule)
	}
	const rule = "must be a JSON object, the merge patch"
	if _, ok := read[map[string]json.RawMessage](d, "patch", rule); ok {
		r.Patch = string(d.members["patch"])
		if len(r.Patch) > hook.MaxRedrivePatch {
			d.fault("patch", strconv.Itoa(len(r.Patch))+" bytes", "must have at most "+strconv.Itoa(hook.MaxRedrivePatch)+" bytes")
		}
	}
	if rate, ok := integer(d, "rate", 1, hook.MaxRedriveRate); ok {
		r.Rate = rate
	}
	return r, d.end("id", "account", "state", "progress", "createdAt", "updatedAt", "endedAt")
}

func (s *Service) cancelRedrive(ctx context.Context, in *PathID) (*empty, error) {
	_, err := s.cfg.Store.CancelRedrive(ctx, principal(ctx).Account, in.ID)
	return nil, err
}

func showRedrive(r hook.Redrive) QuarantineRedrive {
	shown := QuarantineRedrive{
		ID: r.ID, Account: textOrNull(r.Account), Reason: textOrNull(r.Reason), Topic: textOrNull(r.Topic),
		From: timeOrNull(r.From), To: r.To.UTC(), Patch: orNull(nil), Rate: r.Rate, State: string(r.State),
		Progress: QuarantineRedriveProgress{
			Total: r.Progress.Total, Done: r.Progress.Done, Sent: r.Progress.Sent, Failed: make(map[string]int64, len(r.Progress.Failed)),
		},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), EndedAt: timeOrNull(r.EndedAt),
	}
	if r.Patch != "" {
		shown.Patch = json.RawMessage(r.Patch)
	}
	for reason, n := range r.Progress.Failed {
		shown.Progress.Failed[reason] = n
	}
	return shown
}
