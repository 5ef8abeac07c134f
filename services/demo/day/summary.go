package day

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxFindings bounds the disagreements that are told; all are counted.
const maxFindings = 20

// Summary is what is told of a day, as one JSON object.
type Summary struct {
	Account string `json:"account"`
	Seed    uint64 `json:"seed"`
	Date    string `json:"date"`
	Stores  int    `json:"stores"`
	// Requests that changed something or were to be refused; Refused are the latter.
	Requests int `json:"requests"`
	Refused  int `json:"refused"`
	// Changes are the versions of items that requests made, and ItemVersions those that
	// were delivered, with what the services' rules made of them.
	Changes      int `json:"changes"`
	ItemVersions int `json:"itemVersions"`
	Items        int `json:"items"`
	// Events that the first webhook got, one per change, store and item type.
	Events   int              `json:"events"`
	Webhooks []WebhookSummary `json:"webhooks"`
	// References that were followed, and levels compared.
	References int `json:"references"`
	Levels     int `json:"levels"`
	// Seconds that the day took, and those after it until all had arrived and was logged.
	Seconds      float64 `json:"seconds"`
	SettledAfter float64 `json:"settledAfter"`
	// Disagreements of answers, deliveries, log and states; Findings are the first 20.
	Disagreements int      `json:"disagreements"`
	Findings      []string `json:"findings"`
}

// WebhookSummary is what one webhook got.
type WebhookSummary struct {
	Webhook string `json:"webhook"`
	// Deliveries that arrived, each once; Repeated arrived again; Logged are the rows
	// of the log.
	Deliveries int `json:"deliveries"`
	Repeated   int `json:"repeated"`
	Logged     int `json:"logged"`
}

func summarize(cfg Config, r *receiver, book *book) Summary {
	return Summary{
		Account: cfg.Account, Seed: cfg.Seed, Date: cfg.Date, Stores: cfg.Stores,
		Requests: book.requests, Refused: book.refused, Changes: len(book.changes),
		Events: len(r.inboxes[0].all()), Findings: []string{},
	}
}

// count tells what each webhook got, once the log was read.
func (s *Summary) count(r *receiver) {
	for _, b := range r.inboxes {
		s.Webhooks = append(s.Webhooks, WebhookSummary{
			Webhook: b.name(), Deliveries: len(b.all()), Repeated: b.repeated, Logged: len(b.rows),
		})
	}
}

// round keeps seconds readable.
func round(d time.Duration) float64 { return d.Round(10 * time.Millisecond).Seconds() }

func (s *Summary) disagree(format string, args ...any) {
	if s.Disagreements++; s.Disagreements <= maxFindings {
		s.Findings = append(s.Findings, fmt.Sprintf(format, args...))
	}
}

// WriteJSON writes the summary on one line.
func (s Summary) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(s) }
