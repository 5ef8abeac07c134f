package router

import (
	"context"

	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
)

// asked is what the filters of an account say of one event. Each is asked once,
// however many webhooks have it, and what they need of the event is made once for
// all of them, when the first is asked: without filters nothing is.
type asked struct {
	cache *filter.Cache

	filters  []string
	items    int // of the event
	subject  *filter.Subject
	answers  []answer // by the filter's number
	failures []FilterFailure
	err      error
}

type answer struct {
	given bool
	filter.Result
}

// begin turns to an event of an account with these filters.
func (a *asked) begin(filters []string) {
	if a.subject != nil {
		a.subject, a.answers, a.failures, a.err = nil, emptied(a.answers), emptied(a.failures), nil
	}
	a.filters = filters
}

// ask reports whether there is something to say to the webhooks that have a
// filter: items that match, or a failure.
func (a *asked) ask(ctx context.Context, event *hook.Event, number int) bool {
	if a.err != nil {
		return false
	}
	if a.subject == nil {
		own := *event // so that events which no filter sees need not be on the heap
		a.subject, a.items = filter.NewSubject(&own), len(own.Items)
		a.answers = append(a.answers, make([]answer, len(a.filters))...)
	}
	to := &a.answers[number]
	if !to.given {
		to.given = true
		to.Result, a.err = a.choose(ctx, number)
	}
	return a.err == nil && (to.Count > 0 || to.Failed > 0)
}

// choose asks one filter. What this version cannot compile lets nothing through,
// like any other failure.
func (a *asked) choose(ctx context.Context, number int) (filter.Result, error) {
	f, err := a.cache.Get(a.filters[number])
	if err != nil {
		return filter.Result{Failed: a.items, Err: err}, nil
	}
	return f.Select(ctx, a.subject)
}

// note keeps what failed for a webhook.
func (a *asked) note(webhook string, answer *answer) {
	if answer.Failed > 0 {
		a.failures = append(a.failures, FilterFailure{Webhook: webhook, Items: answer.Failed, Err: answer.Err})
	}
}
