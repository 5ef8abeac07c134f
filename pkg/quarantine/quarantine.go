// Package quarantine makes and reads the records of the topic "quarantine": input
// that no retry can mend, as it came, with the reason in its headers. Whoever meets
// such input writes it there and goes on with the next.
package quarantine

import (
	"strconv"

	"github.com/staffetta/staffetta/pkg/bus"
)

// The headers that are added to a quarantined record.
const (
	// HeaderReason is a word of a closed set, such as "not_json".
	HeaderReason = "staffetta-reason"
	// HeaderDetail says it in a sentence, with field, value and rule.
	HeaderDetail = "staffetta-detail"
	// HeaderTopic, HeaderPartition and HeaderOffset are where the record was read.
	HeaderTopic     = "staffetta-topic"
	HeaderPartition = "staffetta-partition"
	HeaderOffset    = "staffetta-offset"
	// HeaderBytes is the size of a value that was cut.
	HeaderBytes = "staffetta-bytes"
)

const (
	// maxWhole is the size up to which a record is kept whole, key and headers
	// included: the topic takes 16 MiB (CONTRACT.md).
	maxWhole = 15 << 20
	// cutTo is what is kept of a larger one.
	cutTo = 64 << 10
	// maxDetail bounds the sentence: a thousand faults say no more than ten.
	maxDetail = 4 << 10
)

// Record gives the quarantine's record for one that was read at r.At(). An empty
// key stays empty, a tombstone a tombstone.
func Record(r bus.Record, reason, detail string) bus.Record {
	if len(detail) > maxDetail {
		detail = detail[:maxDetail]
	}
	q := bus.Record{
		Topic:     bus.Quarantine,
		Partition: bus.AnyPartition,
		Key:       r.Key,
		Value:     r.Value,
		Headers: []bus.Header{
			{Key: HeaderReason, Value: []byte(reason)},
			{Key: HeaderDetail, Value: []byte(detail)},
			{Key: HeaderTopic, Value: []byte(r.Topic)},
			{Key: HeaderPartition, Value: []byte(strconv.Itoa(r.Partition))},
			{Key: HeaderOffset, Value: []byte(strconv.FormatInt(r.Offset, 10))},
		},
	}
	size := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value)
	}
	if size <= maxWhole {
		q.Headers = append(q.Headers, r.Headers...)
		return q
	}
	q.Key = r.Key[:min(len(r.Key), cutTo)]
	q.Value = r.Value[:min(len(r.Value), cutTo)]
	q.Headers = append(q.Headers, bus.Header{Key: HeaderBytes, Value: []byte(strconv.Itoa(len(r.Value)))})
	for _, h := range r.Headers {
		if len(h.Key)+len(h.Value) <= maxDetail {
			q.Headers = append(q.Headers, h)
		}
	}
	return q
}
