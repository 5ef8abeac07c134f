package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const redriveColumns = `id, account, state, revision, settings, progress, created_at, updated_at, ended_at`

// redriveSettings is the JSON of what was asked for; times are Unix microseconds.
type redriveSettings struct {
	Reason string `json:"reason,omitempty"`
	Topic  string `json:"topic,omitempty"`
	From   int64  `json:"from,omitempty"`
	To     int64  `json:"to,omitempty"`
	// Patch is a text, and no part of this one: its bytes are to stay.
	Patch string `json:"patch,omitempty"`
	Rate  int    `json:"rate"`
}

// redriveProgress is the JSON of how far it is; times are Unix microseconds.
type redriveProgress struct {
	Total  int64            `json:"total"`
	Done   int64            `json:"done"`
	Sent   int64            `json:"sent"`
	Failed map[string]int64 `json:"failed,omitempty"`
	At     int64            `json:"at,omitempty"`
	Entry  string           `json:"entry,omitempty"`
}

// rowOfRedrive are the values of redriveColumns.
func rowOfRedrive(r *hook.Redrive) ([]any, error) {
	settings, err := json.Marshal(redriveSettings{
		Reason: r.Reason, Topic: r.Topic, From: database.Micros(r.From), To: database.Micros(r.To), Patch: r.Patch, Rate: r.Rate,
	})
	if err != nil {
		return nil, fmt.Errorf("settings of redrive %q: %w", r.ID, err)
	}
	progress, err := marshalRedriveProgress(r)
	if err != nil {
		return nil, err
	}
	return []any{
		r.ID, r.Account, string(r.State), r.Revision, string(settings), progress,
		database.Micros(r.CreatedAt), database.Micros(r.UpdatedAt), database.Micros(r.EndedAt),
	}, nil
}

func marshalRedriveProgress(r *hook.Redrive) (string, error) {
	p := r.Progress
	text, err := json.Marshal(redriveProgress{
		Total: p.Total, Done: p.Done, Sent: p.Sent, Failed: p.Failed, At: database.Micros(p.At), Entry: p.Entry,
	})
	if err != nil {
		return "", fmt.Errorf("progress of redrive %q: %w", r.ID, err)
	}
	return string(text), nil
}

func scanRedrive(scan func(...any) error) (hook.Redrive, error) {
	var r hook.Redrive
	var settingsText, progressText string
	var created, updated, ended int64
	if err := scan(&r.ID, &r.Account, &r.State, &r.Revision, &settingsText, &progressText, &created, &updated, &ended); err != nil {
		return hook.Redrive{}, err
	}
	var settings redriveSettings
	var p redriveProgress
	for text, into := range map[*string]any{&settingsText: &settings, &progressText: &p} {
		if err := json.Unmarshal([]byte(*text), into); err != nil {
			return hook.Redrive{}, fmt.Errorf("redrive %q: %w", r.ID, err)
		}
	}
	r.Reason, r.Topic, r.Patch, r.Rate = settings.Reason, settings.Topic, settings.Patch, settings.Rate
	r.From, r.To = database.Time(settings.From), database.Time(settings.To)
	r.Progress = hook.RedriveProgress{
		Total: p.Total, Done: p.Done, Sent: p.Sent, Failed: p.Failed, At: database.Time(p.At), Entry: p.Entry,
	}
	r.CreatedAt, r.UpdatedAt, r.EndedAt = database.Time(created), database.Time(updated), database.Time(ended)
	return r, nil
}
