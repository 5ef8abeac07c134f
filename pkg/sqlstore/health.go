package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// outcomes are what the requests to each webhook led to that are new in the log, in
// their order; of successes one after the other the first.
type outcomes map[webhookName][]*hook.Attempt

// note takes in a record that is new in the log, or a success where that had a
// failure.
func (o outcomes) note(a *hook.Attempt) {
	if !a.InStreak() {
		return
	}
	name := webhookName{a.Account, a.Webhook}
	list := o[name]
	if n := len(list); n > 0 && a.Fate == hook.FateDelivered && list[n-1].Fate == hook.FateDelivered {
		return
	}
	o[name] = append(list, a)
}

// failed reports whether any of a webhook's requests did.
func failed(list []*hook.Attempt) bool {
	return len(list) > 1 || list[0].Fate != hook.FateDelivered
}

// health is a webhook's streak within one transaction, and what it depends on.
type health struct {
	webhookName
	streak hook.Streak
	// stored: it has a row; known: there is such a webhook.
	stored, known bool
	status        hook.Status
	rule          hook.StreakRule
	// fatal is the attempt for which it is to be disabled, or nil; gone says that its
	// receiver answered 410.
	fatal *hook.Attempt
	gone  bool
	// told is streak.Told without that.
	told bool
}

// take counts an attempt, and returns of what members are to be told.
func (h *health) take(a *hook.Attempt) []notice {
	s := &h.streak
	if a.Fate == hook.FateDelivered {
		failures := s.Failures
		s.Succeed()
		if !s.Told || h.status == hook.Disabled {
			return nil // while it is disabled, a late success is no recovery
		}
		s.Told = false
		return []notice{h.notice(hook.NoticeRecovered, failures, a)}
	}
	if a.At.Before(s.EnabledAt) {
		return nil // a person has said since that it works
	}
	s.Fail(a)
	reached, gone := s.Reached(h.rule), a.Reason == hook.ReasonGone
	if h.takes() && (gone || s.TooLong(h.rule)) {
		h.told = s.Told
		h.fatal, h.gone, h.status, s.Told = a, gone, hook.Disabled, true
		return []notice{h.notice(hook.NoticeDisabled, s.Certain(), a)}
	}
	if h.status == hook.Disabled {
		return nil // members know: these requests were under way
	}
	var told []notice
	for _, count := range reached {
		told = append(told, h.notice(hook.NoticeFailing, count, a))
	}
	return told
}

// takes reports whether the webhook gets deliveries: a person who paused it is not
// overruled.
func (h *health) takes() bool { return h.status == hook.Active || h.status == hook.Resuming }

// keepHealth counts what is new in the log for the streaks of its webhooks, disables
// those that are over, and tells members. What succeeds and did so before costs one
// search in a table that has a row for each webhook that fails.
func (s *Store) keepHealth(ctx context.Context, w *database.Writer, o outcomes) ([]notice, error) {
	patients, err := s.readHealth(ctx, w, o)
	if err != nil {
		return nil, fmt.Errorf("reading streaks: %w", err)
	}
	var told []notice
	fatal := false
	for _, h := range patients {
		if !h.known {
			continue
		}
		for _, a := range o[h.webhookName] {
			told = append(told, h.take(a)...)
		}
		fatal = fatal || h.fatal != nil
	}
	if fatal {
		if err := patience(ctx, w); err != nil {
			return nil, err
		}
	}
	for _, h := range patients { // in one order, since each locks its account
		if h.fatal == nil {
			continue
		}
		disabled, err := s.disable(ctx, w.Tx, h.fatal, h.gone)
		if err != nil {
			return nil, err
		}
		if !disabled {
			h.streak.Told = h.told
			told = slices.DeleteFunc(told, func(n notice) bool { return n.of == h && n.Notice == hook.NoticeDisabled })
		}
	}
	if err := writeStreaks(ctx, w, patients); err != nil {
		return nil, fmt.Errorf("writing streaks: %w", err)
	}
	return told, nil
}

// readHealth reads the streaks of the webhooks that failed, and of those that did
// before; in the order of their names.
func (s *Store) readHealth(ctx context.Context, w *database.Writer, o outcomes) ([]*health, error) {
	patients := make(map[webhookName]*health)
	ids := make([]string, 0, len(o))
	for name, list := range o {
		ids = append(ids, name.webhook)
		if failed(list) {
			patients[name] = &health{webhookName: name}
		}
	}
	err := eachKey(ctx, w, `SELECT `+streakColumns+` FROM streaks WHERE webhook IN (…)`, ids, func(scan func(...any) error) error {
		streak, account, err := scanStreak(scan)
		if err != nil {
			return err
		}
		name := webhookName{account, streak.Webhook}
		if patients[name] == nil {
			patients[name] = &health{webhookName: name}
		}
		patients[name].streak, patients[name].stored = streak, true
		return nil
	})
	if err != nil || len(patients) == 0 {
		return nil, err
	}
	if err := s.readWebhooks(ctx, w, patients); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(patients), func(a, b *health) int { return a.compare(b.webhookName) }), nil
}

// readWebhooks reads what the streaks depend on.
func (s *Store) readWebhooks(ctx context.Context, w *database.Writer, patients map[webhookName]*health) error {
	ids := make([]string, 0, len(patients))
	for name := range patients {
		ids = append(ids, name.webhook)
	}
	return eachKey(ctx, w, `SELECT w.account, w.id, w.status, w.settings, a.streak FROM webhooks w JOIN accounts a ON a.id = w.account
		WHERE w.status <> 'revoked' AND w.id IN (…)`, ids,
		func(scan func(...any) error) error {
			var name webhookName
			var status hook.Status
			var text string
			var rule sql.NullString
			if err := scan(&name.account, &name.webhook, &status, &text, &rule); err != nil {
				return err
			}
			h := patients[name]
			if h == nil {
				return nil // the record names another account
			}
			var enabled struct {
				At int64 `json:"enabledAt"`
			}
			if err := json.Unmarshal([]byte(text), &enabled); err != nil {
				return fmt.Errorf("settings of webhook %q: %w", name.webhook, err)
			}
			own, err := parseRule(rule)
			if err != nil {
				return fmt.Errorf("streak of account %q: %w", name.account, err)
			}
			h.status, h.known, h.rule = status, true, s.rule
			if own != nil {
				h.rule = *own
			}
			h.streak.Webhook = name.webhook
			h.streak.Enabled(database.Time(enabled.At))
			return nil
		})
}
