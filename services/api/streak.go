package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// Streak says what follows from failures in a row. The whole may be null in a body.
type Streak struct {
	_       struct{} `nullable:"true"`
	Notify  []int    `json:"notify" nullable:"false" maxItems:"20" example:"[10,20,30,40]" doc:"Failures in a row at which members are told: rising, from 1, below disable."`
	Disable *int     `json:"disable" nullable:"true" minimum:"1" maximum:"10000" example:"50" doc:"Failures in a row at which the webhook is disabled; null: never."`
}

func showStreak(r *hook.StreakRule) Streak {
	shown := Streak{Notify: append([]int{}, r.Notify...)}
	if r.Disable > 0 {
		disable := r.Disable
		shown.Disable = &disable
	}
	return shown
}

// readStreak reads the member streak; given is false if it is absent. null is given,
// and means the installation's.
func readStreak(d *document) (rule *hook.StreakRule, given bool) {
	if d.null("streak") {
		return nil, true
	}
	in := d.object("streak", `must be an object such as {"notify": [10, 20], "disable": 50}, or null`)
	if in == nil {
		return nil, false
	}
	in.require("notify")
	in.require("disable")
	rule = &hook.StreakRule{}
	notify, okay := read[[]int](in, "notify", "must be a list of integers")
	rule.Notify = notify
	if !in.null("disable") {
		var whole bool
		rule.Disable, whole = integer(in, "disable", 1, hook.MaxStreak)
		okay = okay && whole
	}
	in.noOthers()
	if field, broken := rule.Fault(); okay && field != "" {
		in.fault(field, shownRule(field, rule), broken)
	}
	return rule, true
}

// shownRule is the value of a field.
func shownRule(field string, r *hook.StreakRule) string {
	if field == "disable" {
		return strconv.Itoa(r.Disable)
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Notify), " ", ", "), "[]")
}

// showStreaks fills in how often webhooks have failed in a row. An answer may hold a
// secret that is shown once, so it does not depend on this.
func (s *Service) showStreaks(ctx context.Context, shown []Webhook, webhooks []hook.Webhook) {
	streaks, err := s.cfg.Store.Streaks(ctx, webhooks)
	if err != nil {
		s.log.Warn("failures in a row are not known", zap.Error(err), telemetry.TraceOf(ctx))
		return
	}
	for i := range streaks {
		shown[i].Failures, shown[i].FailingSince = &streaks[i].Failures, timeOrNull(streaks[i].Since)
	}
}
