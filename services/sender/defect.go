package sender

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// guard does something about a task. If that panics the task goes to
// quarantine with its stack, and nothing else ends.
func (o *owner) guard(t *task, do func()) {
	defer func() {
		if p := recover(); p != nil {
			o.defect(t, fmt.Sprintf("panic: %v", p), debug.Stack())
		}
	}()
	do()
}

// guardRecord is deferred around what takes a record apart.
func (o *owner) guardRecord(r bus.Record, finished func()) {
	if p := recover(); p != nil {
		o.quarantine(r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), finished)
	}
}

// defect puts a task away that the sender cannot deal with: the quarantine has
// it, with the stack, before the log says that it ended.
func (o *owner) defect(t *task, what string, stack []byte) {
	s := o.service
	t.atGate() // a takeover may have given it a place that it does not know of
	s.metrics.defects.Inc()
	s.Log.Error("task put into quarantine: the sender failed at it", zap.String("delivery", t.delivery),
		zap.String("webhook", t.webhook), zap.String("what", what), zap.ByteString("stack", stack))
	if t.running != nil {
		if next := o.finishLane(t, untried, 0); next != nil {
			s.start(next)
		}
	}
	r := bus.Record{Topic: t.bundle.Topic, Partition: t.bundle.Partition, Offset: t.bundle.Offset, Key: []byte(t.account)}
	value, err := t.asBundle()
	if err != nil {
		s.Log.Error("task cannot be encoded; the quarantine has its coordinates alone", zap.String("delivery", t.delivery), zap.Error(err), t.traceField())
	}
	r.Value = value
	o.produce(o.ctx, quarantine.Record(r, quarantine.ReasonDefect, what+"\n"+string(stack)), func() {
		go o.end(t, what)
	}, func() { o.drop(t) })
}

// end writes down that a task ended in quarantine. Should that fail too, the
// quarantine alone knows.
func (o *owner) end(t *task, what string) {
	defer func() {
		if p := recover(); p != nil {
			o.service.Log.Error("the end of a task cannot be written down", zap.String("delivery", t.delivery), zap.Any("panic", p))
			o.finish(t)
		}
	}()
	o.settle(t, nil, hook.FateExhausted, outcome{reason: hook.ReasonDefect, detail: what})
}

// asBundle is the task as it can be sent again.
func (t *task) asBundle() ([]byte, error) {
	var change *deliveryv1.Change
	if t.change != nil {
		change = &deliveryv1.Change{}
		if err := proto.Unmarshal(t.change, change); err != nil {
			return nil, err
		}
	}
	return proto.Marshal(&deliveryv1.Bundle{Change: change, Webhooks: []string{t.webhook}, Run: t.run, Item: int32(t.item), Selections: codec.ToSelections(t.items), Test: t.test})
}
