package sender

import (
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// testHeader tells a receiver that nothing has happened.
var testHeader = hook.Header{Name: "Staffetta-Test", Value: "true"}

const (
	// maxTests bounds the tests under way of a sender: they pass no lane, so this
	// alone keeps them from taking the room of deliveries. It is a fortieth of that.
	maxTests = maxInFlight / 40
	// maxHookTests bounds those of one webhook: as many as one request asks for.
	maxHookTests = 10
)

// tests are the tests under way.
type tests struct {
	mu        sync.Mutex
	all       int
	byWebhook map[string]int
}

// begin reports whether one more may be under way; call end after it.
func (t *tests) begin(webhook string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= maxTests || t.byWebhook[webhook] >= maxHookTests {
		return false
	}
	if t.byWebhook == nil {
		t.byWebhook = map[string]int{}
	}
	t.all++
	t.byWebhook[webhook]++
	return true
}

func (t *tests) end(webhook string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.byWebhook[webhook]--; t.byWebhook[webhook] == 0 {
		delete(t.byWebhook, webhook)
	}
}

// tryOut posts a task that is a test: once, to a webhook in any state but revoked,
// past its gate, its lane, its breaker and its account's quota, of which none is
// told how it went. Whoever asked wants to know what happens with the settings of
// now, so it waits for the newest; with Redis away those that are known do.
func (o *owner) tryOut(t *task) {
	t.passage = nil
	fresh := o.service.sight.sync(o.ctx, o.service.Snapshot)
	account, ok := o.service.Snapshot.Account(t.account)
	var w *target
	if ok {
		w = account.targets[t.webhook]
	}
	switch {
	case o.ctx.Err() != nil:
		o.drop(t)
	case ok && account.deleted, w == nil && ok && fresh:
		o.settle(t, nil, hook.FateCancelled, outcome{reason: hook.ReasonRevoked})
	case w == nil:
		o.deferUnseen(t)
	case w.unusable != nil:
		o.service.Log.Error("webhook cannot be signed for; it is not tried out", zap.String("webhook", w.ID), zap.Error(w.unusable), t.traceField())
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonUnrenderable, detail: "the webhook's secrets cannot be opened"})
	case t.event == nil && !o.fetch(t, w): // seen to
	case !o.service.tests.begin(t.webhook):
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonBusy, detail: "too many tests are under way"})
	default:
		o.postTest(t, w)
	}
}

func (o *owner) postTest(t *task, w *target) {
	defer o.service.tests.end(t.webhook)
	if errors.Join(o.lags[bus.Attempts].wait(o.ctx), o.service.lease.wait(o.ctx)) != nil {
		o.drop(t)
		return
	}
	o.service.passes(Posting, t)
	out := o.post(t, w)
	o.service.passes(Answered, t)
	fate := hook.FateDelivered
	if out.reason != hook.ReasonNone {
		fate = hook.FateExhausted
	}
	o.settle(t, w, fate, out)
}
