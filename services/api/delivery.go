package api

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
)

// Delivery is a delivery as lists show it.
type Delivery struct {
	ID        string   `json:"id" example:"dlv_o52rdsfsjgk1s5g0jgpeisablo"`
	Webhook   string   `json:"webhook"`
	Status    string   `json:"status" enum:"pending,retrying,delivered,exhausted,held,superseded,dropped,cancelled"`
	Reason    Reason   `json:"reason" doc:"Why the last attempt failed, or why there was none; empty if it succeeded."`
	EventID   string   `json:"eventId" example:"evt_06h0c5arbcf5vihhgfjdans2gs"`
	EventType string   `json:"eventType" enum:"create,update,delete,notice" doc:"notice: of an operational webhook."`
	ItemType  string   `json:"itemType" doc:"Of a notice its kind, such as webhook.failing."`
	ItemIDs   []string `json:"itemIds" nullable:"false"`
	Store     *string  `json:"store" doc:"null: the event has none."`
	// AttemptCount is that of the newest run.
	AttemptCount int        `json:"attemptCount" doc:"HTTP requests so far, of the newest run."`
	StatusCode   *int       `json:"statusCode" doc:"Of the last answer; null without one."`
	PublishedAt  time.Time  `json:"publishedAt" doc:"When Kafka took the event."`
	UpdatedAt    time.Time  `json:"updatedAt"`
	DueAt        *time.Time `json:"dueAt" doc:"When the next attempt is due; null if none is."`
	TraceID      string     `json:"traceId"`
	Test         bool       `json:"test,omitempty" doc:"true: the webhook was only tried out."`
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
	Run             int64      `json:"run" doc:"0, or the Unix time in microseconds of what asked for another run."`
	Number          int        `json:"number" doc:"Of the request within the run, from 1; 0 without one."`
	Status          string     `json:"status" enum:"pending,retrying,delivered,exhausted,held,superseded,dropped,cancelled" doc:"What became of the delivery."`
	Reason          Reason     `json:"reason"`
	Detail          string     `json:"detail" doc:"The error in words."`
	URL             string     `json:"url"`
	StatusCode      *int       `json:"statusCode" doc:"null without an answer."`
	Response        string     `json:"response" doc:"The start of the answer's body, at most 4 KiB."`
	ResponseHeaders []Header   `json:"responseHeaders" nullable:"false" doc:"The answer's, at most 4 KiB of them; secrets are masked."`
	RequestHeaders  []Header   `json:"requestHeaders" nullable:"false" doc:"As they were sent, beside Host; secrets are masked. Empty if nothing was sent."`
	At              time.Time  `json:"at"`
	Duration        string     `json:"duration" example:"12.5ms"`
	Timing          Timing     `json:"timing" doc:"What the duration was spent on."`
	DueAt           *time.Time `json:"dueAt" doc:"When the next attempt is due; null if none is."`
	TraceID         string     `json:"traceId"`
}

// Timing is what the steps of a request took.
type Timing struct {
	DNS       *string `json:"dns" example:"1.2ms" doc:"Resolution of the name; null without one: the connection was there, or the URL has an address."`
	Connect   *string `json:"connect" example:"10ms" doc:"From then to a connection, with the egress proxy if there is one; null: it was there already."`
	TLS       *string `json:"tls" example:"21ms" doc:"Handshake; null without one."`
	FirstByte *string `json:"firstByte" example:"12ms" doc:"From then to the first byte of the answer; null without one."`
}

// Header is one line of a header.
type Header struct {
	Name  string `json:"name" example:"Retry-After"`
	Value string `json:"value"`
}

func showDelivery(d hook.Delivery) Delivery {
	return Delivery{
		ID: d.ID, Webhook: d.Webhook, Status: string(d.Status), Reason: Reason(d.Reason),
		EventID: d.Event, EventType: string(d.EventType), ItemType: d.ItemType, ItemIDs: words(d.Items),
		Store: textOrNull(d.Store), AttemptCount: d.Attempts, StatusCode: countOrNull(d.StatusCode),
		PublishedAt: d.Published.UTC(), UpdatedAt: d.UpdatedAt.UTC(), DueAt: timeOrNull(d.Due), TraceID: d.TraceID, Test: d.Test,
	}
}

func showAttempt(a hook.Attempt) Attempt {
	return Attempt{
		Run: a.Run, Number: a.Number, Status: string(a.Fate), Reason: Reason(a.Reason), Detail: a.Detail,
		URL: a.URL, StatusCode: countOrNull(a.StatusCode), Response: printable(string(a.Response)),
		ResponseHeaders: showHeaders(a.ResponseHeaders), RequestHeaders: showHeaders(sentHeader(a)),
		At: a.At.UTC(), Duration: a.Duration.String(), Timing: showTiming(a.Timing), DueAt: timeOrNull(a.Due), TraceID: a.TraceID,
	}
}

// sentHeader is the header of the request, as far as it can be read.
func sentHeader(a hook.Attempt) []hook.Header {
	header, _ := sent.Header(a.Request, sent.About{Delivery: a.Delivery, TraceID: a.TraceID, At: a.At})
	return header
}

func showTiming(t hook.Timing) Timing {
	return Timing{DNS: tookOrNull(t.DNS), Connect: tookOrNull(t.Connect), TLS: tookOrNull(t.TLS), FirstByte: tookOrNull(t.FirstByte)}
}

// tookOrNull is nil for 0, which stands for what did not happen.
func tookOrNull(d time.Duration) *string {
	if d == 0 {
		return nil
	}
	text := d.String()
	return &text
}

func showHeaders(headers []hook.Header) []Header {
	shown := make([]Header, len(headers))
	for i, h := range headers {
		shown[i] = Header{Name: printable(h.Name), Value: printable(h.Value)}
	}
	return shown
}

// printable is text as JSON can carry it: receivers send what they like.
func printable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// countOrNull is nil for 0, which stands for none.
func countOrNull(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
