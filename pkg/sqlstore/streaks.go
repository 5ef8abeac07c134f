package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

var streakTable = []column{
	{"webhook", text}, {"account", text}, {"failures", number}, {"since", number}, {"notified", number}, {"told", number},
	{"enabled_at", number}, {"volleys", text},
}

var streakColumns = strings.Join(names(streakTable), ", ")

// volleys is the JSON in the column of that name.
type volleys struct {
	Volleys  []hook.Volley `json:"volleys,omitempty"`
	Openings []int64       `json:"openings,omitempty"`
	Last     int64         `json:"last,omitempty"`
}

func scanStreak(scan func(...any) error) (s hook.Streak, account string, err error) {
	var since, told, enabled int64
	var text string
	if err := scan(&s.Webhook, &account, &s.Failures, &since, &s.Notified, &told, &enabled, &text); err != nil {
		return s, "", err
	}
	s.Since, s.Told, s.EnabledAt = database.Time(since), told != 0, database.Time(enabled)
	var v volleys
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return s, "", fmt.Errorf("volleys of webhook %q: %w", s.Webhook, err)
	}
	s.Volleys, s.Openings, s.Last = v.Volleys, v.Openings, v.Last
	return s, account, nil
}

func streakValues(account string, s *hook.Streak) ([]any, error) {
	text, err := json.Marshal(volleys{Volleys: s.Volleys, Openings: s.Openings, Last: s.Last})
	told := int64(0)
	if s.Told {
		told = 1
	}
	return []any{
		s.Webhook, account, int64(s.Failures), database.Micros(s.Since), int64(s.Notified), told, database.Micros(s.EnabledAt), string(text),
	}, err
}

const setStreak = ` ON CONFLICT (webhook) DO UPDATE SET account = excluded.account, failures = excluded.failures, since = excluded.since,
	notified = excluded.notified, told = excluded.told, enabled_at = excluded.enabled_at, volleys = excluded.volleys`

// writeStreaks leaves a row for each webhook that fails, or of which members believe
// that it does, and none for the others.
func writeStreaks(ctx context.Context, w *database.Writer, all []*health) error {
	var rows, over [][]any
	for _, h := range all {
		switch {
		case h.known && (h.streak.Failures > 0 || h.streak.Told):
			values, err := streakValues(h.account, &h.streak)
			if err != nil {
				return err
			}
			rows = append(rows, values)
		case h.stored:
			over = append(over, []any{h.webhook})
		}
	}
	head := `INSERT INTO streaks (` + streakColumns + `) `
	err := execEach(ctx, w, streakTable, rows,
		func(unnest string) string { return head + `SELECT * FROM ` + unnest + setStreak },
		head+`VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`+setStreak)
	if err != nil {
		return err
	}
	return execEach(ctx, w, streakTable[:1], over,
		func(unnest string) string {
			return `DELETE FROM streaks WHERE webhook IN (SELECT * FROM ` + unnest + `)`
		},
		`DELETE FROM streaks WHERE webhook = $1`)
}

// Streaks implements hook.Streaks.
func (s *Store) Streaks(ctx context.Context, webhooks []hook.Webhook) ([]hook.Streak, error) {
	streaks := make([]hook.Streak, len(webhooks))
	if len(webhooks) == 0 {
		return streaks, nil
	}
	places := make(map[string]int, len(webhooks))
	ids := make([]string, len(webhooks))
	for i := range webhooks {
		ids[i], places[webhooks[i].ID] = webhooks[i].ID, i
		streaks[i] = hook.Streak{Webhook: ids[i], EnabledAt: webhooks[i].EnabledAt}
	}
	var where conditions
	in(&where, "webhook", ids)
	found, err := collect(ctx, s.db, func(scan func(...any) error) (hook.Streak, error) {
		streak, _, err := scanStreak(scan)
		return streak, err
	}, `SELECT `+streakColumns+` FROM streaks WHERE `+where.text.String(), where.args...)
	if err != nil {
		return nil, fmt.Errorf("streaks of %d webhooks: %w", len(webhooks), err)
	}
	for _, streak := range found {
		i := places[streak.Webhook]
		streak.Enabled(webhooks[i].EnabledAt)
		streaks[i] = streak
	}
	return streaks, nil
}

// rule is the JSON in the column streak of accounts.
type rule struct {
	Notify  []int `json:"notify,omitempty"`
	Disable int   `json:"disable,omitempty"` // 0: never
}

// ruleColumn is that column's value: NULL for the installation's rule.
func ruleColumn(r *hook.StreakRule) (any, error) {
	if r == nil {
		return nil, nil
	}
	text, err := json.Marshal(rule(*r))
	return string(text), err
}

func parseRule(text sql.NullString) (*hook.StreakRule, error) {
	if !text.Valid {
		return nil, nil
	}
	var r rule
	err := json.Unmarshal([]byte(text.String), &r)
	return (*hook.StreakRule)(&r), err
}
