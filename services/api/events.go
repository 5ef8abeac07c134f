package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/propagation"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	// maxEvents is the most events of one request.
	maxEvents = 1000
	// maxEventsBody bounds the body of one request, in bytes: 18 of the largest
	// events, or 1,000 of 16 KiB.
	maxEventsBody = 16 << 20
	// eventsReadTimeout is the time for the body: 16 MiB at 2.2 Mbit/s.
	eventsReadTimeout = time.Minute
	// ackTimeout is how long Kafka may take to acknowledge.
	ackTimeout = 10 * time.Second
)

// Event describes an event in the OpenAPI document; package codec reads it.
type Event struct {
	_ struct{} `additionalProperties:"true"`

	ID        string      `json:"id,omitempty" maxLength:"256" doc:"Unique per change; given if absent."`
	Account   string      `json:"account,omitempty" doc:"The key's; may be left out."`
	Store     *string     `json:"store,omitempty" nullable:"true" doc:"Without one every webhook sees the event."`
	User      *Reference  `json:"user,omitempty" doc:"Who made the change; may be null."`
	EventType string      `json:"eventType" enum:"create,update,delete"`
	ItemType  string      `json:"itemType" minLength:"1" maxLength:"100" example:"Contact"`
	Items     []EventItem `json:"items" nullable:"false" minItems:"1" maxItems:"10000"`
	EventDate string      `json:"eventDate,omitempty" format:"date-time" doc:"When it happened; now if absent."`
}

// EventItem describes an item of an event.
type EventItem struct {
	_ struct{} `additionalProperties:"true"`

	ID      any        `json:"id" doc:"A string or an integer."`
	Ref     string     `json:"ref,omitempty" maxLength:"2048" example:"/contacts/7"`
	Version *int64     `json:"version,omitempty" nullable:"true" minimum:"0"`
	Data    any        `json:"data,omitempty" doc:"The item, delivered byte for byte where the payload is full."`
	Parent  *Reference `json:"parent,omitempty" doc:"May be null."`
}

// Reference describes a reference of an event.
type Reference struct {
	_ struct{} `additionalProperties:"true"`

	ID       any    `json:"id" doc:"A string or an integer."`
	ItemType string `json:"itemType,omitempty" maxLength:"100" example:"Crew"`
	Ref      string `json:"ref,omitempty" maxLength:"2048" example:"/crew/33"`
}

// TakenEvent is an event that Kafka has acknowledged.
type TakenEvent struct {
	ID string `json:"id"`
}

// TakenEvents are the events of a request, in its order.
type TakenEvents struct {
	Items []TakenEvent `json:"items" nullable:"false"`
}

type eventsAnswer struct {
	Body TakenEvents
}

func (s *Service) eventRoutes() {
	one := s.schema(Event{})
	most := maxEvents
	handle(s, huma.Operation{
		OperationID: "publish-events", Method: http.MethodPost, Path: "/v1/events", Tags: []string{"events"},
		Summary:       "Publish events",
		Description:   "One event, or an array of at most 1,000. Answered when Kafka has acknowledged all of them. Scope: publish.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxEventsBody, BodyReadTimeout: eventsReadTimeout,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopePublish},
		&huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one, MaxItems: &most}}},
		s.publishEvents)
}

func (s *Service) publishEvents(ctx context.Context, in *JSONBody) (*eventsAnswer, error) {
	// Events share the memory of their text, and huma takes the body's back
	// when this returns, while the producer may still hold it.
	events, err := s.readEvents(ctx, bytes.Clone(in.RawBody))
	if err != nil {
		return nil, err
	}
	produce, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := s.cfg.Ingest.Publish(produce, events); err != nil {
		if ctx.Err() == nil {
			s.log.Error("events were not acknowledged", zap.Int("events", len(events)), zap.Error(err))
		}
		return nil, problem.New(http.StatusServiceUnavailable, "",
			"Kafka has not acknowledged every event; send them again with the same ids", nil)
	}
	answer := &eventsAnswer{Body: TakenEvents{Items: make([]TakenEvent, len(events))}}
	for i, e := range events {
		answer.Body.Items[i].ID = e.ID
	}
	return answer, nil
}

// readEvents reads one event or an array of them. Either all are good, or the
// error lists the faults.
func (s *Service) readEvents(ctx context.Context, body []byte) ([]hook.Event, error) {
	body = bytes.TrimSpace(body)
	texts := []json.RawMessage{body}
	isList := bytes.HasPrefix(body, []byte("["))
	if isList {
		if err := json.Unmarshal(body, &texts); err != nil {
			return nil, problem.New(http.StatusBadRequest, "", "the body must be JSON: an event or an array of events", nil)
		}
	}
	if len(texts) == 0 || len(texts) > maxEvents {
		return nil, hook.FieldError{Field: "body", Value: strconv.Itoa(len(texts)) + " events", Rule: "must have 1 to 1000 events"}
	}
	var faults hook.Invalid
	events := make([]hook.Event, 0, len(texts))
	for i, text := range texts {
		e, err := s.readEvent(ctx, text)
		if err != nil {
			var found hook.Invalid
			if !errors.As(err, &found) {
				return nil, err
			}
			for _, f := range found {
				if isList {
					f.Field = "[" + strconv.Itoa(i) + "]." + f.Field
				}
				faults = append(faults, f)
			}
			continue
		}
		events = append(events, e)
	}
	return events, faults.Err()
}

// readEvent checks an event and gives it what may be left out.
func (s *Service) readEvent(ctx context.Context, text []byte) (hook.Event, error) {
	account := principal(ctx).Account
	e, err := codec.Decode(codec.Input{Value: text, Account: account, Time: s.now()})
	var reject *codec.Reject
	if errors.As(err, &reject) && reject.Reason == codec.NotJSON {
		return e, problem.New(http.StatusBadRequest, "", reject.Error(), reject.Faults)
	}
	if err != nil {
		return e, err
	}
	if e.Account != account {
		return e, hook.Invalid{{Field: "account", Value: e.Account, Rule: "must be the account of the key"}}
	}
	if e.ID == "" {
		e.ID = newID("evt_", s.now())
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	e.Trace = hook.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
	return e, nil
}
