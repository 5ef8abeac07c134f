package redrive

import (
	"errors"
	"strconv"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/mergepatch"
)

// Reasons why a record cannot be sent again, or not as it was mended. Those of
// codec.Reason are others: of a value that is no event still.
const (
	// RecordExpired: Kafka no longer has it.
	RecordExpired = "record_expired"
	// PayloadExpired: Kafka no longer has what a task leads to.
	PayloadExpired = "payload_expired"
	// RecordCut: it was too large to be kept whole.
	RecordCut = "record_cut"
	// NotUpstreams: only records of event topics can be mended.
	NotUpstreams = "not_upstreams"
	// OtherAccount: it would be an event of another account.
	OtherAccount = "other_account"
	// NoTopic: the topic, or the partition, is no longer there.
	NoTopic = "no_topic"
	// Refused: Kafka does not take it, as it is too large for the topic, or for a reason
	// of its own.
	Refused = "refused"
)

// Defect says why a record cannot be sent again; trying again mends nothing.
type Defect struct {
	// Reason is one of those above, or a codec.Reason.
	Reason string
	Detail string
}

func (d *Defect) Error() string { return d.Reason + ": " + d.Detail }

// AsItCame checks a record that is to be sent as it came. The error is a *Defect.
func AsItCame(q *hook.Quarantined, r *hook.Record) error {
	if r.Cut {
		return cut(q)
	}
	return nil
}

// Patched is a record whose value, which is JSON, was merged with a patch: an event, of
// the account; empty: of any. The error is a *Defect.
func Patched(q *hook.Quarantined, r hook.Record, patch, account string) (hook.Record, error) {
	if bus.Internal(q.Source.Topic) {
		return r, &Defect{Reason: NotUpstreams, Detail: "it is none of upstream's records"}
	}
	if r.Cut {
		return r, cut(q)
	}
	value, err := mergepatch.Apply(string(r.Value), patch)
	if err != nil {
		return r, &Defect{Reason: string(codec.NotJSON), Detail: "value must be JSON: " + err.Error()}
	}
	mended := WithValue(r, []byte(value), true)
	e, err := Event(q, &mended)
	var reject *codec.Reject
	switch {
	case errors.As(err, &reject):
		return r, &Defect{Reason: string(reject.Reason), Detail: reject.Error()}
	case err != nil:
		return r, &Defect{Reason: string(codec.InvalidField), Detail: err.Error()}
	case account != "" && e.Account != account:
		return r, &Defect{Reason: OtherAccount, Detail: "account must be " + strconv.Quote(account) + ", not " + strconv.Quote(e.Account)}
	}
	return mended, nil
}

func cut(q *hook.Quarantined) error {
	return &Defect{Reason: RecordCut, Detail: "of " + strconv.FormatInt(q.Bytes, 10) + " bytes only the first were kept"}
}
