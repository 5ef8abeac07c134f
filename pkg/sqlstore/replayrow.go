package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const replayColumns = `id, account, webhook, state, revision, settings, progress, created_at, updated_at, ended_at`

// replaySettings is the JSON of what was asked for; times are Unix microseconds.
type replaySettings struct {
	Source    string      `json:"source,omitempty"`
	Statuses  []hook.Fate `json:"statuses,omitempty"`
	ItemTypes []string    `json:"itemTypes,omitempty"`
	From      int64       `json:"from"`
	To        int64       `json:"to"`
	Rate      int         `json:"rate"`
	Run       int64       `json:"run"`
}

// replayProgress is the JSON of how far it is; times are Unix microseconds.
type replayProgress struct {
	Detail        string                `json:"detail,omitempty"`
	Begun         bool                  `json:"begun,omitempty"`
	Total         int64                 `json:"total"`
	Done          int64                 `json:"done"`
	Replayed      int64                 `json:"replayed"`
	Failed        map[hook.Reason]int64 `json:"failed,omitempty"`
	At            int64                 `json:"at,omitempty"`
	ReachesBackTo int64                 `json:"reachesBackTo,omitempty"`
	Delivery      string                `json:"delivery,omitempty"`
	Parts         []replayPart          `json:"parts,omitempty"`
}

type replayPart struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Next      int64  `json:"next"`
	End       int64  `json:"end"`
}

// rowOfReplay are the values of replayColumns.
func rowOfReplay(r hook.Replay) ([]any, error) {
	settings, err := marshalReplaySettings(r)
	if err != nil {
		return nil, err
	}
	progress, err := marshalProgress(r)
	if err != nil {
		return nil, err
	}
	return []any{
		r.ID, r.Account, r.Webhook, string(r.State), r.Revision, settings, progress,
		database.Micros(r.CreatedAt), database.Micros(r.UpdatedAt), database.Micros(r.EndedAt),
	}, nil
}

func marshalReplaySettings(r hook.Replay) (string, error) {
	text, err := json.Marshal(replaySettings{
		Source: r.Source, Statuses: r.Statuses, ItemTypes: r.ItemTypes,
		From: database.Micros(r.From), To: database.Micros(r.To), Rate: r.Rate, Run: r.Run,
	})
	if err != nil {
		return "", fmt.Errorf("settings of replay %q: %w", r.ID, err)
	}
	return string(text), nil
}

func marshalProgress(r hook.Replay) (string, error) {
	p := replayProgress{
		Detail: r.Detail, Begun: r.Progress.Begun, Total: r.Progress.Total, Done: r.Progress.Done,
		Replayed: r.Progress.Replayed, Failed: r.Progress.Failed, At: database.Micros(r.Progress.At),
		ReachesBackTo: database.Micros(r.Progress.ReachesBackTo), Delivery: r.Progress.Delivery,
	}
	for _, part := range r.Progress.Parts {
		p.Parts = append(p.Parts, replayPart(part))
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("progress of replay %q: %w", r.ID, err)
	}
	return string(text), nil
}

func scanReplay(scan func(...any) error) (hook.Replay, error) {
	var r hook.Replay
	var settingsText, progressText string
	var created, updated, ended int64
	err := scan(&r.ID, &r.Account, &r.Webhook, &r.State, &r.Revision, &settingsText, &progressText, &created, &updated, &ended)
	if err != nil {
		return hook.Replay{}, err
	}
	var settings replaySettings
	var p replayProgress
	for text, into := range map[*string]any{&settingsText: &settings, &progressText: &p} {
		if err := json.Unmarshal([]byte(*text), into); err != nil {
			return hook.Replay{}, fmt.Errorf("replay %q: %w", r.ID, err)
		}
	}
	r.Source, r.Statuses, r.ItemTypes, r.Rate, r.Run = settings.Source, settings.Statuses, settings.ItemTypes, settings.Rate, settings.Run
	r.From, r.To = database.Time(settings.From), database.Time(settings.To)
	r.Detail, r.Progress = p.Detail, p.domain()
	r.CreatedAt, r.UpdatedAt, r.EndedAt = database.Time(created), database.Time(updated), database.Time(ended)
	return r, nil
}

func (p replayProgress) domain() hook.ReplayProgress {
	d := hook.ReplayProgress{
		Begun: p.Begun, Total: p.Total, Done: p.Done, Replayed: p.Replayed, Failed: p.Failed,
		At: database.Time(p.At), ReachesBackTo: database.Time(p.ReachesBackTo), Delivery: p.Delivery,
	}
	for _, part := range p.Parts {
		d.Parts = append(d.Parts, hook.ReplayPart(part))
	}
	return d
}
