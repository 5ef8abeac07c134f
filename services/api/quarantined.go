package api

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxShownValue bounds what is shown of a quarantined value, and maxShownRest of its
	// key and of its headers, in bytes: an event has at most 900,000, and a record in
	// quarantine up to 16 MiB.
	maxShownValue = 1 << 20
	maxShownRest  = 64 << 10
)

// Quarantined is a quarantined record as lists show it.
type Quarantined struct {
	ID        string     `json:"id"`
	State     string     `json:"state" enum:"open,redriven,discarded"`
	Account   *string    `json:"account" doc:"Whose it is, as far as its value or its key tells; null: they do not."`
	Reason    string     `json:"reason" example:"not_json"`
	Detail    string     `json:"detail" example:"value must be JSON: at byte 0 there must be a value"`
	Topic     string     `json:"topic" doc:"Where it was read."`
	Partition int        `json:"partition"`
	Offset    int64      `json:"offset"`
	Bytes     int64      `json:"bytes" doc:"Of its value."`
	CreatedAt time.Time  `json:"createdAt" doc:"When it went into quarantine."`
	ChangedAt *time.Time `json:"changedAt" doc:"When it was sent again last, or discarded; null while it is open."`
}

// QuarantinedRecord is a quarantined record as it is shown by id.
type QuarantinedRecord struct {
	Quarantined
	Record            *Record `json:"record" doc:"As it came; null if it cannot be read."`
	RecordExpired     bool    `json:"recordExpired,omitempty" doc:"Kafka no longer has the record."`
	RecordUnavailable bool    `json:"recordUnavailable,omitempty" doc:"Kafka did not answer."`
}

// Record is a record of Kafka. Texts have U+FFFD for what is not UTF-8.
type Record struct {
	_           struct{} `nullable:"true"`
	Key         *string  `json:"key" doc:"null: it has none."`
	KeyBase64   *string  `json:"keyBase64"`
	Headers     []Header `json:"headers" nullable:"false"`
	Value       *string  `json:"value" doc:"null: it has none."`
	ValueBase64 *string  `json:"valueBase64"`
	Cut         bool     `json:"cut,omitempty" doc:"Not all of it is shown: it was too large to be kept, of its value there is more than 1 MiB, or of its key or headers more than 64 KiB."`
}

// showQuarantined shows what a principal may see: a defect's stack is the operator's.
func showQuarantined(q hook.Quarantined, p apiauth.Principal) Quarantined {
	detail := q.Detail
	if !p.Admin {
		detail, _, _ = strings.Cut(detail, "\n")
	}
	return Quarantined{
		ID: q.ID, State: string(q.State), Account: textOrNull(q.Account), Reason: q.Reason, Detail: detail,
		Topic: q.Source.Topic, Partition: q.Source.Partition, Offset: q.Source.Offset, Bytes: q.Bytes,
		CreatedAt: q.CreatedAt.UTC(), ChangedAt: timeOrNull(q.ChangedAt),
	}
}

func showRecord(r hook.Record) Record {
	key, keyCut := cutTo(r.Key, maxShownRest)
	value, valueCut := cutTo(r.Value, maxShownValue)
	shown := Record{
		Key: asText(key), KeyBase64: asBase64(key), Headers: []Header{}, Value: asText(value), ValueBase64: asBase64(value),
		Cut: r.Cut || keyCut || valueCut,
	}
	room := maxShownRest
	for _, h := range r.Headers {
		if room -= len(h.Name) + len(h.Value); room < 0 {
			shown.Cut = true
			break
		}
		shown.Headers = append(shown.Headers, Header{Name: printable(h.Name), Value: printable(h.Value)})
	}
	return shown
}

func cutTo(bytes []byte, most int) (some []byte, cut bool) {
	if len(bytes) <= most {
		return bytes, false
	}
	return bytes[:most], true
}

// asText is nil for nil, which differs from what is empty.
func asText(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	text := printable(string(bytes))
	return &text
}

// asBase64 is nil for nil.
func asBase64(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(bytes)
	return &text
}
