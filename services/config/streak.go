package config

import (
	"slices"
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
)

// readStreak reads what follows from failures in a row. Of the default, only the
// counts below that at which webhooks are disabled are left.
func readStreak(r *reader) hook.StreakRule {
	rule := hook.DefaultStreakRule()
	const whole = "must be a number from 1 to 10000, or off"
	switch text := r.text(StreakDisable); {
	case text == "":
	case never(text):
		rule.Disable = 0
	default:
		n, err := strconv.Atoi(text)
		if field, _ := (hook.StreakRule{Disable: n}).Fault(); err != nil || field != "" {
			r.faults.Add(StreakDisable, text, whole)
			return rule
		}
		rule.Disable = n
	}
	text := r.text(StreakNotify)
	switch {
	case text == "":
		rule.Notify = slices.DeleteFunc(rule.Notify, func(n int) bool { return rule.Disable > 0 && n >= rule.Disable })
		return rule
	case never(text):
		rule.Notify = nil
		return rule
	}
	rule.Notify = nil
	for _, entry := range r.list(StreakNotify) {
		n, err := strconv.Atoi(entry)
		if err != nil {
			r.faults.Add(StreakNotify, entry, "must be numbers, comma separated, or off")
			return rule
		}
		rule.Notify = append(rule.Notify, n)
	}
	if field, broken := rule.Fault(); field != "" {
		r.faults.Add(StreakNotify, text, broken)
	}
	return rule
}

func never(text string) bool { return text == "off" || text == "0" }
