package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/compress"
)

// maxUnpacked bounds what one batch may unpack to: the largest that a topic of
// ours takes (16 MiB, packed) eight times over. Beyond it somebody is sending
// zeros to use up our memory.
const maxUnpacked = 128 << 20

var errCorrupt = errors.New("record batch is corrupt")

// wireBatch is a record batch as it came, header decoded. kafka-go decodes
// batches too, but drops the time at which the broker took them: with
// LogAppendTime the records keep their producer's clock, and only the batch's
// attributes and greatest time, both dropped, say otherwise.
type wireBatch struct {
	first, last int64 // offsets
	attributes  uint16
	producer    int64
	firstTime   int64
	maxTime     int64
	count       int
	records     []byte // maybe compressed
}

func (b *wireBatch) control() bool       { return b.attributes&controlBit != 0 }
func (b *wireBatch) transactional() bool { return b.attributes&transactionalBit != 0 }

// nextBatch takes the first batch off what a broker answered. ok is false at
// the end, where a broker may cut a batch short.
func nextBatch(set []byte) (b wireBatch, rest []byte, ok bool, err error) {
	if len(set) < atMagic+1 {
		return b, nil, false, nil
	}
	end := atLength + 4 + int(binary.BigEndian.Uint32(set[atLength:]))
	if end > len(set) {
		return b, nil, false, nil
	}
	if set[atMagic] != formatWithHeaders {
		return b, nil, false, fmt.Errorf("%w: message format %d is not read", errCorrupt, set[atMagic])
	}
	if end < atRecords {
		return b, nil, false, fmt.Errorf("%w: %d bytes are no batch", errCorrupt, end)
	}
	h := set[:end]
	if crc32.Checksum(h[atAttributes:], castagnoli) != binary.BigEndian.Uint32(h[atCRC:]) {
		return b, nil, false, fmt.Errorf("%w: checksum differs", errCorrupt)
	}
	b = wireBatch{
		first:      int64(binary.BigEndian.Uint64(h)),
		attributes: binary.BigEndian.Uint16(h[atAttributes:]),
		firstTime:  int64(binary.BigEndian.Uint64(h[atFirstTime:])),
		maxTime:    int64(binary.BigEndian.Uint64(h[atMaxTime:])),
		producer:   int64(binary.BigEndian.Uint64(h[atProducer:])),
		count:      int(int32(binary.BigEndian.Uint32(h[atCount:]))),
		records:    h[atRecords:],
	}
	b.last = b.first + int64(binary.BigEndian.Uint32(h[atLastDelta:]))
	return b, set[end:], true, nil
}

// expected is about how many records there are in what a broker answered; a
// record takes minRecord bytes at least, if it is not compressed.
func expected(set []byte) (n int) {
	const minRecord = 7
	most := len(set) / minRecord
	for len(set) >= atRecords {
		n += int(int32(binary.BigEndian.Uint32(set[atCount:])))
		end := atLength + 4 + int(binary.BigEndian.Uint32(set[atLength:]))
		set = set[min(end, len(set)):]
	}
	return max(0, min(n, most))
}

// decoder turns batches into records that own their memory: what a broker
// answers is read into memory that is used again.
type decoder struct {
	arena     []byte
	slab      []Header
	scratch   bytes.Buffer
	strings   map[string]string // header keys seen, so that each is allocated once
	topic     string
	partition int
}

// arenaSize is the memory that records share. A record that is kept keeps this
// much alive; one above a quarter of it has its own.
const arenaSize = 32 << 10

// slabSize is how many headers records share the memory of, 40 bytes each.
const slabSize = 128

// maxStrings bounds the header keys remembered; there are few in practice.
const maxStrings = 256

func (d *decoder) alloc(n int) []byte {
	if n > arenaSize/4 {
		return make([]byte, n)
	}
	if n > len(d.arena) {
		d.arena = make([]byte, arenaSize)
	}
	b := d.arena[:n:n]
	d.arena = d.arena[n:]
	return b
}

// headersOf returns so many, empty.
func (d *decoder) headersOf(n int) []Header {
	if n > slabSize/4 {
		return make([]Header, n)
	}
	if n > len(d.slab) {
		d.slab = make([]Header, slabSize)
	}
	h := d.slab[:n:n]
	d.slab = d.slab[n:]
	return h
}

func (d *decoder) intern(b []byte) string {
	if s, ok := d.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	if d.strings == nil {
		d.strings = make(map[string]string)
	}
	if len(d.strings) < maxStrings {
		d.strings[s] = s
	}
	return s
}

// append decodes those records of the batch whose offset is at least from.
func (d *decoder) append(to []Record, b *wireBatch, from int64) ([]Record, error) {
	records, err := d.unpack(b)
	if err != nil {
		return to, err
	}
	for range b.count {
		size, n := binary.Varint(records)
		if n <= 0 || size < 1 || size > int64(len(records)-n) {
			return to, fmt.Errorf("%w: record is cut short", errCorrupt)
		}
		body := records[n : n+int(size)]
		records = records[n+int(size):]
		r, skip, err := d.record(b, body, from)
		if err != nil {
			return to, err
		}
		if !skip {
			to = append(to, r)
		}
	}
	return to, nil
}

func (d *decoder) record(b *wireBatch, body []byte, from int64) (r Record, skip bool, err error) {
	head := cursor{rest: body[1:]} // attributes are unused
	timeDelta, offsetDelta := head.varint(), head.varint()
	r = Record{Topic: d.topic, Partition: d.partition, Offset: b.first + offsetDelta}
	if r.Offset < from && !head.bad {
		return r, true, nil
	}
	at := b.firstTime + timeDelta
	if b.attributes&appendTimeBit != 0 {
		at = b.maxTime
	}
	r.Time = time.UnixMilli(at)

	own := d.alloc(len(head.rest))
	copy(own, head.rest)
	c := cursor{rest: own, bad: head.bad}
	r.Key, r.Value = c.bytes(), c.bytes()
	if n := c.varint(); n > 0 {
		if n > int64(len(c.rest)) {
			return r, false, fmt.Errorf("%w: %d headers in %d bytes", errCorrupt, n, len(c.rest))
		}
		r.Headers = d.headersOf(int(n))
		for i := range r.Headers {
			r.Headers[i] = Header{Key: d.intern(c.bytes()), Value: c.bytes()}
		}
	}
	if c.bad {
		return r, false, fmt.Errorf("%w: record at offset %d is cut short", errCorrupt, r.Offset)
	}
	return r, false, nil
}

// unpack returns the records uncompressed, in memory that the next call uses.
func (d *decoder) unpack(b *wireBatch) ([]byte, error) {
	compression := compress.Compression(b.attributes & compressionMask)
	if compression == compress.None {
		return b.records, nil
	}
	codec := compression.Codec()
	if codec == nil {
		return nil, fmt.Errorf("%w: compression %d is unknown", errCorrupt, compression)
	}
	r := codec.NewReader(bytes.NewReader(b.records))
	defer func() { _ = r.Close() }()
	d.scratch.Reset()
	n, err := d.scratch.ReadFrom(io.LimitReader(r, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", errCorrupt, err)
	}
	if n > maxUnpacked {
		return nil, fmt.Errorf("%w: unpacks to more than %d bytes", errCorrupt, maxUnpacked)
	}
	return d.scratch.Bytes(), nil
}

// cursor reads the fields of a record; bad is set when they end early.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// bytes returns nil for null, and never nil for empty.
func (c *cursor) bytes() []byte {
	n := c.varint()
	if n < 0 || c.bad {
		return nil
	}
	if n > int64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	v := c.rest[:n:n]
	c.rest = c.rest[n:]
	return v
}
