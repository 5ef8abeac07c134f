package hook

import (
	"context"
	"slices"
	"time"
)

// StreakRule says what follows from failures in a row (DESIGN.md, "Health of a
// webhook").
type StreakRule struct {
	// Notify are the counts at which members are told, at most MaxStreakNotices:
	// rising, from 1, and below Disable; empty: none.
	Notify []int
	// Disable is the count at which the webhook is disabled, at most MaxStreak; 0:
	// never.
	Disable int
}

// Limits of a StreakRule.
const (
	MaxStreak        = 10_000
	MaxStreakNotices = 20
)

// DefaultStreakRule is seed 001's.
func DefaultStreakRule() StreakRule {
	return StreakRule{Notify: []int{10, 20, 30, 40}, Disable: 50}
}

// Fault names the field of a rule that is none, "notify" or "disable", and what it
// has to be; both are empty if all is well.
func (r StreakRule) Fault() (field, rule string) {
	if r.Disable < 0 || r.Disable > MaxStreak {
		return "disable", "must be from 1 to 10000, or never"
	}
	const rising = "must be at most 20 counts from 1 to 10000 that rise"
	if len(r.Notify) > MaxStreakNotices {
		return "notify", rising
	}
	last := 0
	for _, count := range r.Notify {
		if count <= last || count > MaxStreak {
			return "notify", rising
		}
		last = count
	}
	if r.Disable > 0 && last >= r.Disable {
		return "notify", "must be below disable, at which members are told anyway"
	}
	return "", ""
}

// Streak is how often a webhook's receiver has failed in a row. It is counted in
// the order of the topic attempts, with Fail and Succeed, and is the same however
// that is cut into batches.
//
// Every failed attempt counts, but those that were in flight together when the
// breaker opened count as one (CONTRACT.md). The breaker opens at the fifth failure
// of such a volley, when those before may be counted already; they are taken back
// then.
type Streak struct {
	Webhook string
	// Failures in a row.
	Failures int
	// Since is when the first of them began; zero if there are none.
	Since time.Time
	// Notified is the highest count of which members were told in this streak.
	Notified int
	// Told says that members know that it fails, and not that it works again.
	Told bool
	// EnabledAt is that of the webhook for which this was counted: a later one
	// begins anew.
	EnabledAt time.Time
	// Volleys are the newest of which something failed, Openings the newest
	// openings of the breaker that are counted, and Last is the volley of the last
	// failure; 0: it is of none.
	Volleys  []Volley
	Openings []int64
	Last     int64
}

// Volley is requests that were in flight together when one of them failed; see
// Attempt.Volley.
type Volley struct {
	Number int64 `json:"number"`
	// Failures of it that are counted one by one.
	Failures int `json:"failures,omitempty"`
	// Opened says that some were in flight when the breaker opened, and that all
	// count as that opening.
	Opened bool `json:"opened,omitempty"`
}

// maxVolleys bounds what a streak remembers. An attempt ends within MaxTimeout, and
// a breaker does not open more than five times in that, unless it is set to stay open
// for less than 4 s.
const maxVolleys = 16

// InStreak reports whether an attempt counts for the streak of its webhook: it was a
// request, not a fate without one.
func (a *Attempt) InStreak() bool { return a.Number > 0 && !a.Test }

// Fail counts an attempt that failed.
func (s *Streak) Fail(a *Attempt) {
	if s.Since.IsZero() || a.At.Before(s.Since) {
		s.Since = a.At
	}
	s.Last = a.Volley
	if a.Opening != 0 && !slices.Contains(s.Openings, a.Opening) {
		s.Openings = bounded(append(s.Openings, a.Opening))
		s.Failures++
	}
	if a.Volley == 0 {
		if a.Opening == 0 {
			s.Failures++
		}
		return
	}
	v := s.volley(a.Volley)
	switch {
	case a.Opening != 0:
		s.Failures -= v.Failures
		v.Failures, v.Opened = 0, true
	case !v.Opened:
		s.Failures++
		v.Failures++
	}
}

// volley finds one, or begins it.
func (s *Streak) volley(number int64) *Volley {
	at := slices.IndexFunc(s.Volleys, func(v Volley) bool { return v.Number == number })
	if at < 0 {
		s.Volleys = bounded(append(s.Volleys, Volley{Number: number}))
		at = len(s.Volleys) - 1
	}
	return &s.Volleys[at]
}

func bounded[T any](list []T) []T { return list[max(0, len(list)-maxVolleys):] }

// Certain is how many failures there are at least, whatever comes: those of the
// volley that fails just now may turn out to be one.
func (s *Streak) Certain() int {
	for _, v := range s.Volleys {
		if v.Number == s.Last && v.Failures > 1 {
			return s.Failures - v.Failures + 1
		}
	}
	return s.Failures
}

// Succeed ends the streak.
func (s *Streak) Succeed() {
	s.Failures, s.Since, s.Notified, s.Volleys, s.Openings, s.Last = 0, time.Time{}, 0, nil, nil, 0
}

// Enabled begins anew if the webhook was enabled since. What members know stays: they
// are to be told when it works.
func (s *Streak) Enabled(at time.Time) {
	if !s.EnabledAt.Equal(at) {
		s.Succeed()
		s.EnabledAt = at
	}
}

// Reached gives the counts of the rule that the streak has reached and of which
// nobody was told yet, and notes that they are.
func (s *Streak) Reached(r StreakRule) (counts []int) {
	certain := s.Certain()
	for _, count := range r.Notify {
		if s.Notified < count && count <= certain {
			s.Notified, s.Told = count, true
			counts = append(counts, count)
		}
	}
	return counts
}

// TooLong reports whether the rule disables the webhook.
func (s *Streak) TooLong(r StreakRule) bool { return r.Disable > 0 && s.Certain() >= r.Disable }

// Streaks is the store of streaks, which Recorder.Record fills.
type Streaks interface {
	// Streaks returns the streak of each webhook, in their order; without failures
	// for those that have none since their EnabledAt.
	Streaks(ctx context.Context, webhooks []Webhook) ([]Streak, error)
}
