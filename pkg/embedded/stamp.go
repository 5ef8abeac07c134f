package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The places in the header of a record batch, format 2.
const (
	atMagic      = 16
	atCRC        = 17
	atAttributes = 21
	atFirstTime  = 27
	atMaxTime    = 35
	headerSize   = 61

	appendTimeBit = 0x08
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stamp gives every batch the broker's time, which is what LogAppendTime means
// and kfake does not do: it keeps the producer's clock whatever the topic says,
// and drops a record that claims to be older than the retention, however new it
// is. The batch is moved as a whole so that its last record has the time of
// now; the distances between its records stay.
func stamp(produce *kmsg.ProduceRequest) {
	now := time.Now().UnixMilli()
	for _, t := range produce.Topics {
		for _, p := range t.Partitions {
			stampBatch(p.Records, now)
		}
	}
}

// stampBatch leaves alone what is no intact batch: kfake shall refuse it.
func stampBatch(b []byte, now int64) {
	if len(b) < headerSize || b[atMagic] != 2 {
		return
	}
	if crc32.Checksum(b[atAttributes:], castagnoli) != binary.BigEndian.Uint32(b[atCRC:]) {
		return
	}
	first := int64(binary.BigEndian.Uint64(b[atFirstTime:]))
	last := int64(binary.BigEndian.Uint64(b[atMaxTime:]))
	spread := max(last-first, 0)
	// With this bit from a client kfake would change the time after it has
	// checked the checksum, and the batch would be corrupt.
	b[atAttributes+1] &^= appendTimeBit
	binary.BigEndian.PutUint64(b[atFirstTime:], uint64(now-spread))
	binary.BigEndian.PutUint64(b[atMaxTime:], uint64(now))
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
}
