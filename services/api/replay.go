package api

import (
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Replay is a replay as the API shows it.
type Replay struct {
	ID        string         `json:"id"`
	Webhook   string         `json:"webhook" doc:"The one that receives."`
	Source    *string        `json:"source" doc:"The webhook whose deliveries are meant; null: every event that matches."`
	Status    *string        `json:"status" enum:"pending,retrying,delivered,exhausted,held,superseded,dropped,cancelled,failed" doc:"Deliveries that have it when their turn comes; null: all."`
	ItemTypes []string       `json:"itemTypes" nullable:"false" doc:"Empty: all."`
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Rate      int            `json:"rate" doc:"The most deliveries a second; reached within 5 s."`
	State     string         `json:"state" enum:"running,done,cancelled,failed"`
	Detail    string         `json:"detail" doc:"Why it failed; else empty."`
	Progress  ReplayProgress `json:"progress"`
	CreatedAt time.Time      `json:"createdAt"`
	UpdatedAt time.Time      `json:"updatedAt"`
	EndedAt   *time.Time     `json:"endedAt" doc:"When it was done, cancelled or failed; null while it runs."`
}

// ReplayProgress is how far a replay is.
type ReplayProgress struct {
	Total         *int64           `json:"total" doc:"What the range had when it began: deliveries of the source that match, or else events of all accounts. An estimate of done at the end; null before it began."`
	Done          int64            `json:"done" doc:"How many of those it has passed."`
	Replayed      int64            `json:"replayed" doc:"Deliveries that were handed to the senders."`
	Failed        map[string]int64 `json:"failed" nullable:"false" doc:"Those that could not be, by reason: payload_expired."`
	Position      *time.Time       `json:"position" doc:"When Kafka took the event that it passed last; null before the first."`
	ReachesBackTo *time.Time       `json:"reachesBackTo" doc:"Events of the range from before this time have expired; null: none has. Of a replay without source."`
}

// NewReplay is the body that makes a replay.
type NewReplay struct {
	Webhook   string    `json:"webhook" example:"wh_06h0c5ancmgc2352lmeebjn7ps" doc:"The one that receives."`
	Source    *string   `json:"source,omitempty" nullable:"true" doc:"The webhook whose deliveries are meant; without it every event that the receiving webhook's subscription covers."`
	Status    *string   `json:"status,omitempty" nullable:"true" enum:"pending,retrying,delivered,exhausted,held,superseded,dropped,cancelled,failed" doc:"Only deliveries of the source that have it; failed is retrying or exhausted."`
	ItemTypes []string  `json:"itemTypes,omitempty" nullable:"false" minItems:"1" maxItems:"100" doc:"Only those; in English or Italian."`
	From      time.Time `json:"from" doc:"Taken by Kafka at this time or later."`
	To        time.Time `json:"to,omitempty" doc:"Taken by Kafka before this time; now by default and at most."`
	Rate      int       `json:"rate,omitempty" minimum:"1" maximum:"1000" doc:"The most deliveries a second, reached within 5 s; 100 by default."`
}

// Recovery is the body that asks for what failed.
type Recovery struct {
	From time.Time `json:"from" doc:"Taken by Kafka at this time or later."`
}

func showReplay(r hook.Replay) Replay {
	return Replay{
		ID: r.ID, Webhook: r.Webhook, Source: textOrNull(r.Source), Status: textOrNull(shownStatus(r.Statuses)),
		ItemTypes: words(r.ItemTypes), From: r.From.UTC(), To: r.To.UTC(), Rate: r.Rate,
		State: string(r.State), Detail: r.Detail, Progress: showProgress(r.Progress),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), EndedAt: timeOrNull(r.EndedAt),
	}
}

func showProgress(p hook.ReplayProgress) ReplayProgress {
	shown := ReplayProgress{
		Done: p.Done, Replayed: p.Replayed, Failed: make(map[string]int64, len(p.Failed)),
		Position: timeOrNull(p.At), ReachesBackTo: timeOrNull(p.ReachesBackTo),
	}
	if p.Begun {
		shown.Total = &p.Total
	}
	for reason, n := range p.Failed {
		shown.Failed[string(reason)] = n
	}
	return shown
}

// shownStatus is the word that stands for some fates; empty for none.
func shownStatus(fates []hook.Fate) string {
	switch {
	case len(fates) == 0:
		return ""
	case slices.Equal(fates, failedFates):
		return statusFailed
	}
	return string(fates[0])
}

// fatesOf are those that a word of a filter stands for.
func fatesOf(status hook.Fate) []hook.Fate {
	if status == statusFailed {
		return failedFates
	}
	return []hook.Fate{status}
}
