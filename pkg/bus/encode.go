package bus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

// Compression of what a producer sends.
type Compression int8

// The compressions, by Kafka's numbers.
const (
	Uncompressed Compression = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// The places in the header of a record batch, format 2.
const (
	atLength     = 8  // of what follows this field
	atMagic      = 16 // 2
	atCRC        = 17 // of what follows this field
	atAttributes = 21
	atLastDelta  = 23
	atFirstTime  = 27
	atMaxTime    = 35
	atProducer   = 43
	atCount      = 57
	atRecords    = 61
)

// Bits of the attributes of a record batch.
const (
	compressionMask   = 0x07
	appendTimeBit     = 0x08
	transactionalBit  = 0x10
	controlBit        = 0x20
	formatWithHeaders = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeBatch appends a batch of the records to b. Their count is at least 1.
func encodeBatch(b []byte, batch []*outgoing, compression Compression) ([]byte, error) {
	start := len(b)
	b = append(b, make([]byte, atRecords)...)
	now := time.Now().UnixMilli()
	first, last := timeOf(&batch[0].record, now), int64(0)
	for i, item := range batch {
		r := &item.record
		at := timeOf(r, now)
		last = max(last, at)
		b = appendRecord(b, r, at-first, int64(i))
	}
	if compression != Uncompressed {
		packed, err := pack(b[start+atRecords:], compression)
		if err != nil {
			return nil, err
		}
		b = append(b[:start+atRecords], packed...)
	}

	h := b[start:]
	binary.BigEndian.PutUint32(h[atLength:], uint32(len(h)-atLength-4))
	binary.BigEndian.PutUint32(h[atLength+4:], 0xffffffff) // leader epoch: the broker's
	h[atMagic] = formatWithHeaders
	binary.BigEndian.PutUint16(h[atAttributes:], uint16(compression))
	binary.BigEndian.PutUint32(h[atLastDelta:], uint32(len(batch)-1))
	binary.BigEndian.PutUint64(h[atFirstTime:], uint64(first))
	binary.BigEndian.PutUint64(h[atMaxTime:], uint64(last))
	for i := atProducer; i < atCount; i++ {
		h[i] = 0xff // no producer id, epoch and sequence
	}
	binary.BigEndian.PutUint32(h[atCount:], uint32(len(batch)))
	binary.BigEndian.PutUint32(h[atCRC:], crc32.Checksum(h[atAttributes:], castagnoli))
	return b, nil
}

func timeOf(r *Record, now int64) int64 {
	if r.Time.IsZero() {
		return now
	}
	return r.Time.UnixMilli()
}

// appendRecord writes a record; the length in front is worked out first, so
// that nothing is written twice.
func appendRecord(b []byte, r *Record, timeDelta, offsetDelta int64) []byte {
	n := 1 + varintSize(timeDelta) + varintSize(offsetDelta) + bytesSize(r.Key) + bytesSize(r.Value) + varintSize(int64(len(r.Headers)))
	for i := range r.Headers {
		n += varintSize(int64(len(r.Headers[i].Key))) + len(r.Headers[i].Key) + bytesSize(r.Headers[i].Value)
	}
	b = binary.AppendVarint(b, int64(n))
	b = append(b, 0) // no attributes
	b = binary.AppendVarint(b, timeDelta)
	b = binary.AppendVarint(b, offsetDelta)
	b = appendBytes(b, r.Key)
	b = appendBytes(b, r.Value)
	b = binary.AppendVarint(b, int64(len(r.Headers)))
	for i := range r.Headers {
		b = binary.AppendVarint(b, int64(len(r.Headers[i].Key)))
		b = append(b, r.Headers[i].Key...)
		b = appendBytes(b, r.Headers[i].Value)
	}
	return b
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

func bytesSize(v []byte) int {
	if v == nil {
		return 1 // −1
	}
	return varintSize(int64(len(v))) + len(v)
}

func varintSize(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}

func pack(records []byte, compression Compression) ([]byte, error) {
	codec := compress.Compression(compression).Codec()
	if codec == nil {
		return nil, fmt.Errorf("compression %d: %w", compression, kafka.UnsupportedCompressionType)
	}
	var out bytes.Buffer
	w := codec.NewWriter(&out)
	if _, err := w.Write(records); err != nil {
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	return out.Bytes(), nil
}
