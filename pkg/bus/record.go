package bus

import (
	"encoding/binary"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// AnyPartition as Record.Partition lets Produce choose: by PartitionOf the key,
// or in turn if the key is nil.
const AnyPartition = -1

// FirstOffset as an offset is the earliest that the topic still has.
const FirstOffset int64 = -2

// Header is a key with a value beside a record's payload.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record of a topic.
type Record struct {
	Topic     string
	Partition int
	// Offset is set on records that were read.
	Offset int64
	// Time is when the broker took it if the topic is LogAppendTime, as ours
	// are, else what the producer said; on Produce zero means now.
	Time time.Time
	// Key and Value are nil if the record has none, which differs from empty.
	Key, Value []byte
	Headers    []Header
}

// Header returns the value of the last header with that key.
func (r *Record) Header(key string) (value []byte, ok bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// At returns the record's coordinates.
func (r *Record) At() hook.Coordinates {
	return hook.Coordinates{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// size is about what the record takes on the wire and in the buffer: 32 bytes
// cover lengths, deltas and the bookkeeping of the batch.
func (r *Record) size() int {
	n := 32 + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += 8 + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// PartitionOf is the partition of a key as Java clients choose it: murmur2,
// made positive, modulo the number of partitions.
func PartitionOf(key []byte, partitions int) int {
	return int(murmur2(key)&0x7fffffff) % partitions
}

func murmur2(data []byte) uint32 {
	const (
		seed uint32 = 0x9747b28c
		m    uint32 = 0x5bd1e995
		r           = 24
	)
	h := seed ^ uint32(len(data))
	for len(data) >= 4 {
		k := binary.LittleEndian.Uint32(data)
		k *= m
		k ^= k >> r
		k *= m
		h = h*m ^ k
		data = data[4:]
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
