package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// lastWritten is how long after an account's deletion something of it may be written to
// Kafka: what waits in the longest tier, of 10 hours, is cancelled when it is due, and
// Kafka looks every few minutes for what is too old.
const lastWritten = 12 * time.Hour

type deletedAnswer struct {
	Location string `header:"Location"`
}

// Erasure is what became of what a deleted account had.
type Erasure struct {
	Account   string     `json:"account"`
	DeletedAt time.Time  `json:"deletedAt"`
	ErasedAt  *time.Time `json:"erasedAt" doc:"When nothing was left of it in the database; null: it is being erased."`
	Remains   []Remains  `json:"remains" doc:"By topic; those in which nothing is left any more are left out."`
}

// Remains is a topic of Kafka that still has records of the account, if it had any.
type Remains struct {
	Topic string     `json:"topic" example:"deliveries"`
	Until *time.Time `json:"until" doc:"When the last of them is gone, as the topic is set up now; null: never, by itself."`
}

type erasureAnswer struct {
	Body Erasure
}

func (s *Service) erasureRoute() {
	handle(s, huma.Operation{
		OperationID: "get-erasure", Method: http.MethodGet, Path: "/v1/accounts/{id}/erasure", Tags: []string{"accounts"},
		Summary:     "See what remains of a deleted account",
		Description: "How far the erasure is, and what Kafka still has until when. Needs the admin key.",
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access{}, nil, s.getErasure)
}

func (s *Service) getErasure(ctx context.Context, in *PathID) (*erasureAnswer, error) {
	e, err := s.cfg.Store.Erasure(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := Erasure{Account: e.Account, DeletedAt: e.DeletedAt.UTC(), ErasedAt: timeOrNull(e.ErasedAt), Remains: []Remains{}}
	if s.cfg.Topics == nil {
		return &erasureAnswer{Body: out}, nil
	}
	asking, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	kept, err := s.cfg.Topics.Kept(asking)
	if err != nil {
		s.log.Warn("what remains of a deleted account in Kafka is not known", zap.String("account", e.Account), zap.Error(err), telemetry.TraceOf(ctx))
		return nil, problem.New(http.StatusServiceUnavailable, "", "Kafka does not say how long it keeps what; ask again", nil)
	}
	for topic, span := range kept {
		remains := Remains{Topic: topic}
		if span >= 0 {
			until := out.DeletedAt.Add(lastWritten + span)
			if until.Before(s.now()) {
				continue
			}
			remains.Until = &until
		}
		out.Remains = append(out.Remains, remains)
	}
	slices.SortFunc(out.Remains, func(a, b Remains) int { return strings.Compare(a.Topic, b.Topic) })
	return &erasureAnswer{Body: out}, nil
}
