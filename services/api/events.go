package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
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
	// largeBody is the size in bytes from which bodies count as large, as do
	// those of unknown size.
	largeBody = 1 << 20
	// maxLargeBodies bounds how many of them are in memory at once: each takes
	// about four times its size, or five with an Idempotency-Key, so 640 MiB in all.
	maxLargeBodies = 8
	// roomTimeout is how long a large body waits for its turn.
	roomTimeout = 10 * time.Second
	// filledIn is about what an event grows by, in bytes.
	filledIn = 192
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

// TakenEvent is an event of a request, by the id it has now.
type TakenEvent struct {
	ID string `json:"id"`
}

// TakenEvents are the events of a request, in its order.
type TakenEvents struct {
	Items []TakenEvent `json:"items" nullable:"false"`
}

// Unacknowledged is the problem that Kafka did not take all events in time.
type Unacknowledged struct {
	problem.Details
	Items []TakenEvent `json:"items,omitempty" nullable:"false" doc:"Every event of the request, in its order, with the id it was given: send them again with these ids, since some may have been taken. Left out if nothing was sent to Kafka."`
}

type eventsAnswer struct {
	Body TakenEvents
}

func (s *Service) eventRoutes() {
	one := s.schema(Event{})
	least, most := 1, maxEvents
	const path = "/v1/events"
	handle(s, huma.Operation{
		OperationID: "publish-events", Method: http.MethodPost, Path: path, Tags: []string{"events"},
		Summary: "Publish events",
		Description: "One event, or an array of at most 1,000. Answered when Kafka has acknowledged all of them. " +
			"An event has at most 900,000 bytes, with what is filled in. Scope: publish.\n\n" +
			"After 503 some events may have been taken. Its `items` are the ids that the events have, in their order: " +
			"send the same events again with these ids, so that nothing is delivered twice.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxEventsBody, BodyReadTimeout: eventsReadTimeout,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable},
	}, access{scope: hook.ScopePublish, beyond: true, room: s.roomForEvents},
		s.named("Events", &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one, MinItems: &least, MaxItems: &most}}}),
		s.publishEvents)
	answers := s.api.OpenAPI().Paths[path].Post.Responses
	answers[strconv.Itoa(http.StatusServiceUnavailable)].Content[problem.ContentType].Schema = s.schema(Unacknowledged{})
}

// roomForEvents waits for the turn of a large body, before any of it is read.
// Small ones have no turns, so that slow clients with large ones do not hold
// them up.
func (s *Service) roomForEvents(r *http.Request) (release func()) {
	if r.ContentLength >= 0 && r.ContentLength <= largeBody {
		return func() {}
	}
	return s.roomForLarge(r)
}

// roomForLarge waits for the turn of something large.
func (s *Service) roomForLarge(r *http.Request) (release func()) {
	timeout := time.NewTimer(roomTimeout)
	defer timeout.Stop()
	select {
	case s.largeBodies <- struct{}{}:
		return func() { <-s.largeBodies }
	case <-timeout.C:
		return nil
	case <-r.Context().Done():
		return nil
	}
}

func (s *Service) publishEvents(ctx context.Context, in *JSONBody) (*eventsAnswer, error) {
	events, err := s.readEvents(ctx, in.RawBody)
	if err != nil {
		return nil, err
	}
	taken := make([]TakenEvent, len(events))
	for i, e := range events {
		taken[i].ID = e.ID
	}
	produce, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := s.cfg.Ingest.Publish(produce, events); err != nil {
		if ctx.Err() == nil {
			s.log.Error("events were not acknowledged", zap.Int("events", len(events)), zap.Error(err), telemetry.TraceOf(ctx))
		}
		return nil, &Unacknowledged{Items: taken, Details: *problem.New(http.StatusServiceUnavailable, "",
			"Kafka has not acknowledged every event; send them again with the ids in items", nil)}
	}
	return &eventsAnswer{Body: TakenEvents{Items: taken}}, nil
}

// readEvents reads one event or an array of them. Either all are good, or the
// error lists the faults. What it returns does not share the body's memory,
// which huma uses again while the producer may still hold events.
func (s *Service) readEvents(ctx context.Context, body []byte) ([]EncodedEvent, error) {
	body = bytes.TrimSpace(body)
	texts := [][]byte{body}
	isList := bytes.HasPrefix(body, []byte("["))
	if isList {
		var err error
		if texts, err = split(body); err != nil {
			return nil, err
		}
	}
	var faults faultList
	events := make([]EncodedEvent, 0, len(texts))
	for i, text := range texts {
		if faults.full() {
			break
		}
		e, err := s.readEvent(ctx, text, i)
		if err != nil {
			var found hook.Invalid
			if !errors.As(err, &found) {
				return nil, err
			}
			for _, f := range found {
				if isList {
					f.Field = "[" + strconv.Itoa(i) + "]." + f.Field
				}
				faults.add(f.Field, f.Value, f.Rule)
			}
			continue
		}
		events = append(events, e)
	}
	return events, faults.err()
}

// split finds the elements of an array. It looks at no more than are allowed:
// 16 MiB have room for eight million.
func split(list []byte) ([][]byte, error) {
	scanner, err := jsontext.NewScanner(string(list))
	if err == nil {
		err = scanner.Open()
	}
	var texts [][]byte
	for err == nil {
		var more bool
		if more, err = scanner.Element(len(texts) == 0); err != nil {
			break
		}
		if !more {
			err = scanner.End()
			break
		}
		if len(texts) == maxEvents {
			return nil, refuseCount("more than " + strconv.Itoa(maxEvents))
		}
		var start, end int
		if start, end, err = scanner.Raw(); err == nil {
			texts = append(texts, list[start:end])
		}
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be JSON, an event or an array of events: "+err.Error(), nil)
	}
	if len(texts) == 0 {
		return nil, refuseCount("0")
	}
	return texts, nil
}

func refuseCount(count string) error {
	return hook.FieldError{Field: "body", Value: count + " events", Rule: "must have 1 to 1000 events"}
}

// readEvent checks the n-th event of a request and gives it what may be left out.
func (s *Service) readEvent(ctx context.Context, text []byte, n int) (EncodedEvent, error) {
	account := principal(ctx).Account
	e, err := codec.Decode(codec.Input{Value: text, Account: account, Time: s.now()})
	var reject *codec.Reject
	if errors.As(err, &reject) && reject.Reason == codec.NotJSON {
		return EncodedEvent{}, problem.New(http.StatusBadRequest, "", reject.Error(), reject.Faults)
	}
	if err != nil {
		return EncodedEvent{}, err
	}
	if e.Account != account {
		return EncodedEvent{}, hook.Invalid{{Field: "account", Value: e.Account, Rule: "must be the account of the key"}}
	}
	if e.ID == "" {
		e.ID = derivedID(ctx, "evt_", n, s.now())
	}
	value := codec.AppendJSON(make([]byte, 0, len(text)+filledIn), e)
	if len(value) > codec.MaxBytes {
		return EncodedEvent{}, hook.Invalid{{Field: "value", Value: strconv.Itoa(len(value)) + " bytes",
			Rule: "must have at most " + strconv.Itoa(codec.MaxBytes) + " bytes, with the id, account, eventDate and English item types that are filled in"}}
	}
	// The event's strings share the whole text: it must not stay.
	return EncodedEvent{ID: strings.Clone(e.ID), Account: account, ItemType: strings.Clone(e.ItemType), Value: value}, nil
}
