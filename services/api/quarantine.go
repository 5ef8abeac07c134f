package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

type quarantineListInput struct {
	PageQuery
	Reason string    `query:"reason" maxLength:"100" doc:"Such as not_json."`
	Topic  string    `query:"topic" maxLength:"249" doc:"Where the record was read."`
	State  string    `query:"state" enum:"open,redriven,discarded" doc:"By default all but the discarded."`
	From   time.Time `query:"from" doc:"Quarantined at this time or later."`
	To     time.Time `query:"to" doc:"Quarantined before this time."`
}

type quarantinedAnswer struct {
	Body Quarantined
}

type quarantinedRecordAnswer struct {
	Body QuarantinedRecord
}

func (s *Service) quarantineRoutes() {
	tags := []string{"quarantine"}
	find := func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.QuarantineEntry(ctx, p.Account, id)
		return err
	}
	handle(s, huma.Operation{
		OperationID: "list-quarantine", Method: http.MethodGet, Path: "/v1/quarantine", Tags: tags,
		Summary: "List what is in quarantine",
		Description: "Newest first: the records that tell that they are the account's. With the admin key and without the header " +
			"Staffetta-Account, all of them.",
	}, access{scope: hook.ScopeRead, whole: true}, nil, s.listQuarantine)
	handle(s, huma.Operation{
		OperationID: "get-quarantined", Method: http.MethodGet, Path: "/v1/quarantine/{id}", Tags: tags,
		Summary: "Get a quarantined record", Description: "Why it is there, and the record as it came.",
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopeRead, whole: true, find: find, room: s.roomForLarge}, nil, s.getQuarantined)
	handle(s, huma.Operation{
		OperationID: "redrive-quarantined", Method: http.MethodPost, Path: "/v1/quarantine/{id}/redrive", Tags: tags,
		Summary: "Send a quarantined record again",
		Description: "To the topic and the partition where it was read, as it came or with another value. Another value needs the scope publish " +
			"too, and has to be an event, of this account. 409 if it was discarded or cannot be sent, 410 if the record has expired.\n\n" +
			"An event without an id has another one then: its id is derived from where it lies.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxRedriveBody,
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopeWrite, whole: true, beyond: true, find: find, room: s.roomForLarge}, Redrive{}, s.redrive)
	s.api.OpenAPI().Paths["/v1/quarantine/{id}/redrive"].Post.RequestBody.Required = false
	handle(s, huma.Operation{
		OperationID: "discard-quarantined", Method: http.MethodDelete, Path: "/v1/quarantine/{id}", Tags: tags,
		Summary: "Discard a quarantined record", Description: "For good: it cannot be sent again. By id it is still shown.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access{scope: hook.ScopeWrite, whole: true}, nil, s.discard)
}

func (s *Service) listQuarantine(ctx context.Context, in *quarantineListInput) (*listed[Quarantined], error) {
	p := principal(ctx)
	filter := hook.QuarantineFilter{
		Reason: in.Reason, Topic: in.Topic, State: hook.QuarantineState(in.State), From: in.From, To: in.To,
	}
	rows, next, err := s.cfg.Store.QuarantineEntries(ctx, p.Account, filter, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, func(q hook.Quarantined) Quarantined { return showQuarantined(q, p) }), nil
}

func (s *Service) getQuarantined(ctx context.Context, in *PathID) (*quarantinedRecordAnswer, error) {
	p := principal(ctx)
	q, err := s.cfg.Store.QuarantineEntry(ctx, p.Account, in.ID)
	if err != nil {
		return nil, err
	}
	shown := QuarantinedRecord{Quarantined: showQuarantined(q, p)}
	reading, cancel := context.WithTimeout(ctx, payloadTimeout)
	defer cancel()
	r, err := s.cfg.Redrives.Record(reading, q)
	switch {
	case err == nil:
		record := showRecord(r)
		shown.Record = &record
	case errors.Is(err, hook.ErrNotFound):
		shown.RecordExpired = true
	case ctx.Err() == nil:
		// The rest of the answer is useful without it.
		s.log.Warn("a quarantined record could not be read", zap.String("id", q.ID), zap.Stringer("at", q.At), zap.Error(err), telemetry.TraceOf(ctx))
		shown.RecordUnavailable = true
	}
	return &quarantinedRecordAnswer{Body: shown}, nil
}

func (s *Service) discard(ctx context.Context, in *PathID) (*empty, error) {
	_, err := s.cfg.Store.SetQuarantined(ctx, principal(ctx).Account, in.ID, hook.Discarded)
	return nil, err
}

// redrive sends a record again. It is in Kafka before the store says so: after a crash
// in between the entry is still open, and whoever sends it once more sends it twice.
func (s *Service) redrive(ctx context.Context, in *IDAndBody) (*quarantinedAnswer, error) {
	p := principal(ctx)
	mended, err := readRedrive(in.RawBody)
	if err != nil {
		return nil, err
	}
	if mended != nil && !p.May(hook.ScopePublish) {
		return nil, problem.New(http.StatusForbidden, "", "another value is another event: the key lacks the scope publish", nil)
	}
	q, err := s.cfg.Store.QuarantineEntry(ctx, p.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if q.State == hook.Discarded {
		return nil, problem.New(http.StatusConflict, "", "it was discarded, and cannot be sent again", nil)
	}
	if err := s.republish(ctx, q, mended); err != nil {
		return nil, err
	}
	if q, err = s.cfg.Store.SetQuarantined(ctx, p.Account, q.ID, hook.Redriven); err != nil {
		return nil, err
	}
	return &quarantinedAnswer{Body: showQuarantined(q, p)}, nil
}

// republish returns when Kafka has acknowledged. Its error may be a problem.
func (s *Service) republish(ctx context.Context, q hook.Quarantined, mended *mended) error {
	sending, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	r, err := s.cfg.Redrives.Record(sending, q)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return problem.New(http.StatusGone, "", "the record is no longer in Kafka, so it cannot be sent again", nil)
	case err != nil:
		return s.noKafka(ctx, q, err)
	case mended != nil:
		if r, err = mended.mend(principal(ctx).Account, q, r); err != nil {
			return err
		}
	case r.Cut:
		return problem.New(http.StatusConflict, "", "of a record of "+strconv.FormatInt(q.Bytes, 10)+
			" bytes only the first were kept: it can only be sent with another value", nil)
	}
	err = s.cfg.Redrives.Redrive(sending, q, r)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return problem.New(http.StatusConflict, "", "there is nowhere to send it to, or part of it is no longer in Kafka", nil)
	case err != nil:
		return s.noKafka(ctx, q, err)
	}
	return nil
}

func (s *Service) noKafka(ctx context.Context, q hook.Quarantined, err error) error {
	if ctx.Err() != nil {
		return err
	}
	s.log.Error("a quarantined record could not be sent again", zap.String("id", q.ID), zap.Stringer("at", q.At), zap.Error(err), telemetry.TraceOf(ctx))
	return problem.New(http.StatusServiceUnavailable, "", "Kafka does not answer; try again", nil)
}
