package sqlstore_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
)

// health is a model of one webhook: it goes through the topic record by record, and
// counts anew at each from all that failed since the last success.
type health struct {
	rule     hook.StreakRule
	seen     map[string]bool // whether a request was a success, by what names it
	failed   []hook.Attempt
	enabled  time.Time
	disabled bool
	notified int
	known    bool
	told     []string
}

func (h *health) record(a hook.Attempt) {
	if a.Number == 0 {
		return
	}
	key := fmt.Sprint(a.Delivery, "/", a.Run, "/", a.Number)
	success := a.Fate == hook.FateDelivered
	before, known := h.seen[key]
	if known && (before || !success) {
		return
	}
	h.seen[key] = success
	switch {
	case success:
		if h.known && !h.disabled {
			h.told, h.known = append(h.told, fmt.Sprint(hook.NoticeRecovered, h.count())), false
		}
		h.failed, h.notified = nil, 0
	case a.At.Before(h.enabled):
	default:
		h.failed = append(h.failed, a)
		h.judge()
	}
}

func (h *health) judge() {
	certain := h.count() - h.uncertain()
	over := h.disabled // members know: these requests were under way
	var reached []string
	for _, n := range h.rule.Notify {
		if n > h.notified && n <= certain {
			reached, h.notified, h.known = append(reached, fmt.Sprint(hook.NoticeFailing, n)), n, true
		}
	}
	if certain >= h.rule.Disable && !h.disabled {
		reached, h.disabled, h.known = []string{fmt.Sprint(hook.NoticeDisabled, certain)}, true, true
	}
	if !over {
		h.told = append(h.told, reached...)
	}
}

// count is the number of failures by themselves, and of openings of the breaker.
func (h *health) count() int {
	opened, openings, count := map[int64]bool{}, map[int64]bool{}, 0
	for _, a := range h.failed {
		if a.Opening != 0 {
			opened[a.Volley], openings[a.Opening] = true, true
		}
	}
	for _, a := range h.failed {
		if a.Opening == 0 && !opened[a.Volley] {
			count++
		}
	}
	return count + len(openings)
}

// uncertain is how many of those may turn out to be one, with the last.
func (h *health) uncertain() (n int) {
	last := h.failed[len(h.failed)-1].Volley
	for _, a := range h.failed {
		if last == 0 || a.Volley == last && a.Opening != 0 {
			return 0
		}
		if a.Volley == last {
			n++
		}
	}
	return max(0, n-1)
}

func (h *health) enable(at time.Time) {
	h.failed, h.notified, h.enabled, h.disabled = nil, 0, at, false
}

// However the topic is cut into transactions, whoever writes them, and whatever is
// read twice: count, status and notifications are those of the model.
func TestStreaksAreExact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		rule := hook.StreakRule{Notify: []int{2, 4, 5}, Disable: 7}
		f.Store = f.WithStreakRule(rule)
		f.account(t, "acme")
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			id := fmt.Sprint("wh_", round)
			f.webhook(t, "acme", id)
			model := &health{rule: rule, seen: map[string]bool{}}
			var topic []hook.Attempt // all that was recorded
			for range rapid.IntRange(1, 6).Draw(r, "steps") {
				switch rapid.SampledFrom([]string{"records", "records", "records", "replay", "enable"}).Draw(r, "step") {
				case "records":
					batch := rapid.SliceOfN(anyRequest(f, id), 1, 12).Draw(r, "batch")
					for _, a := range batch {
						model.record(a)
					}
					topic = append(topic, batch...)
					f.race(r, batch)
				case "replay":
					from := rapid.IntRange(0, len(topic)).Draw(r, "from")
					for _, a := range topic[from:] {
						model.record(a) // which it knows
					}
					f.race(r, topic[from:])
				case "enable":
					f.clock.Add(time.Second)
					model.enable(f.clock.Now())
					f.enable(t, id)
				}
				require.Equal(r, model.disabled, f.read(t, id).Status == hook.Disabled)
				count := 0
				if len(model.failed) > 0 {
					count = model.count()
				}
				require.Equal(r, count, f.failing(t, id))
			}
			var told []string
			for _, n := range f.told(t, hook.NotificationFilter{Webhook: id}) {
				told = append(told, fmt.Sprint(n.Notice, n.Count))
			}
			require.Equal(r, model.told, told)
		})
	})
}

// anyRequest draws records of few deliveries, so that many are twins; mostly failed
// requests, some from before the webhook was enabled.
func anyRequest(f fixture, webhook string) *rapid.Generator[hook.Attempt] {
	return rapid.Custom(func(r *rapid.T) hook.Attempt {
		n := rapid.IntRange(0, 20).Draw(r, "delivery")
		return but(answered(n, webhook, 500), func(a *hook.Attempt) {
			a.Delivery = fmt.Sprint(webhook, "_", n)
			a.Run = rapid.Int64Range(0, 1).Draw(r, "run")
			a.Number = rapid.IntRange(0, 3).Draw(r, "number")
			a.Step = a.Number
			a.At = f.clock.Now().Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 0, 1}).Draw(r, "late")) * time.Second / 2)
			switch rapid.IntRange(0, 9).Draw(r, "outcome") {
			case 0:
				a.Fate, a.StatusCode = hook.FateDelivered, 200
			case 1, 2, 3:
				a.Volley = rapid.Int64Range(1, 4).Draw(r, "volley")
			case 4, 5:
				a.Volley = rapid.Int64Range(1, 4).Draw(r, "volley")
				a.Opening = 10 + a.Volley/2
			}
			if a.Number == 0 {
				a.Fate, a.StatusCode, a.Volley, a.Opening = hook.FateHeld, 0, 0, 0
			}
		})
	})
}

// race has one recorder write records, in one transaction or several, or two of them
// the same, as when a partition moves: one does.
func (f fixture) race(r *rapid.T, records []hook.Attempt) {
	cuts := rapid.SliceOfN(rapid.IntRange(0, len(records)), 0, 2).Draw(r, "cuts")
	for done := 0; done < len(records); {
		end := len(records)
		for _, cut := range cuts {
			if cut > done {
				end = min(end, cut)
			}
		}
		next, err := f.NextOffset(r.Context(), 3)
		require.NoError(r, err)
		batch := hook.Range{Partition: 3, From: next, To: next + int64(end-done)}
		for i, a := range records[done:end] {
			batch.Records = append(batch.Records, hook.Recorded{Offset: next + int64(i), Attempt: a})
		}
		errs := make([]error, rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(r, "recorders"))
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() { errs[i] = f.Record(r.Context(), []hook.Range{batch}) })
		}
		both.Wait()
		written := slices.Index(errs, nil)
		require.GreaterOrEqual(r, written, 0, "%v", errs)
		for _, err := range slices.Delete(errs, written, written+1) {
			require.ErrorIs(r, err, hook.ErrStale)
		}
		done = end
	}
}
