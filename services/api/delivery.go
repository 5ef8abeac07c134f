package api

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Delivery is a delivery as lists show it.
type Delivery struct {
	ID        string   `json:"id"`
	Webhook   string   `json:"webhook"`
	Status    string   `json:"status" enum:"pending,retrying,delivered,exhausted,held,superseded,dropped,cancelled"`
	Reason    string   `json:"reason" doc:"Why the last attempt failed, or why there was none; empty if it succeeded."`
	EventID   string   `json:"eventId"`
	EventType string   `json:"eventType" enum:"create,update,delete"`
	ItemType  string   `json:"itemType"`
	ItemIDs   []string `json:"itemIds" nullable:"false"`
	Store     *string  `json:"store" doc:"null: the event has none."`
	// AttemptCount is that of the newest run.
	AttemptCount int        `json:"attemptCount" doc:"HTTP requests so far, of the newest run."`
	StatusCode   *int       `json:"statusCode" doc:"Of the last answer; null without one."`
	PublishedAt  time.Time  `json:"publishedAt" doc:"When Kafka took the event."`
	UpdatedAt    time.Time  `json:"updatedAt"`
	DueAt        *time.Time `json:"dueAt" doc:"When the next attempt is due; null if none is."`
	TraceID      string     `json:"traceId"`
}

// DeliveryDetails is a delivery as it is shown by id.
type DeliveryDetails struct {
	Delivery
	Attempts           []Attempt       `json:"attempts" nullable:"false" doc:"Oldest first; those with the number 0 are decisions without a request."`
	Payload            json.RawMessage `json:"payload" doc:"The event as it was published, or null."`
	PayloadExpired     bool            `json:"payloadExpired,omitempty" doc:"Kafka no longer has the payload."`
	PayloadUnavailable bool            `json:"payloadUnavailable,omitempty" doc:"Kafka did not answer."`
}

// Attempt is one HTTP request, or a decision without one.
type Attempt struct {
	Run        int64      `json:"run" doc:"0, or the Unix time in microseconds of what asked for another run."`
	Number     int        `json:"number" doc:"Of the request within the run, from 1; 0 without one."`
	Status     string     `json:"status" doc:"What became of the delivery."`
	Reason     string     `json:"reason"`
	Detail     string     `json:"detail" doc:"The error in words."`
	URL        string     `json:"url"`
	StatusCode *int       `json:"statusCode" doc:"null without an answer."`
	Response   string     `json:"response" doc:"The start of the answer's body, at most 4 KiB."`
	At         time.Time  `json:"at"`
	Duration   string     `json:"duration" example:"12.5ms"`
	DueAt      *time.Time `json:"dueAt" doc:"When the next attempt is due; null if none is."`
	TraceID    string     `json:"traceId"`
}

func showDelivery(d hook.Delivery) Delivery {
	return Delivery{
		ID: d.ID, Webhook: d.Webhook, Status: string(d.Status), Reason: string(d.Reason),
		EventID: d.Event, EventType: string(d.EventType), ItemType: d.ItemType, ItemIDs: words(d.Items),
		Store: textOrNull(d.Store), AttemptCount: d.Attempts, StatusCode: codeOrNull(d.StatusCode),
		PublishedAt: d.Published.UTC(), UpdatedAt: d.UpdatedAt.UTC(), DueAt: timeOrNull(d.Due), TraceID: d.TraceID,
	}
}

func showAttempt(a hook.Attempt) Attempt {
	return Attempt{
		Run: a.Run, Number: a.Number, Status: string(a.Fate), Reason: string(a.Reason), Detail: a.Detail,
		URL: a.URL, StatusCode: codeOrNull(a.StatusCode), Response: strings.ToValidUTF8(string(a.Response), "\uFFFD"),
		At: a.At.UTC(), Duration: a.Duration.String(), DueAt: timeOrNull(a.Due), TraceID: a.TraceID,
	}
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func codeOrNull(code int) *int {
	if code == 0 {
		return nil
	}
	return &code
}
