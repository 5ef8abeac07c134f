package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

const (
	// producedAs is the newest version that is spoken; its requests have been
	// the same since version 3, which is what record batches need.
	producedAs = 7
	// atVersion is the place of the version in a request.
	atVersion = 6
	allInSync = -1
)

// produceCall is a produce request, encoded. kafka-go would copy the batches
// into pages of 64 KiB and write these one by one.
type produceCall struct {
	call
	frame []byte // the request, its size in front
}

// RawExchange implements protocol.RawExchanger.
func (p *produceCall) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	binary.BigEndian.PutUint16(p.frame[atVersion:], uint16(p.version))
	if _, err := rw.Write(p.frame); err != nil {
		return nil, fmt.Errorf("write a produce request: %w", err)
	}
	body, err := readFrame(rw, nil)
	if err != nil {
		return nil, fmt.Errorf("read the answer to a produce: %w", err)
	}
	a, err := parseProduced(body, p.version)
	if err != nil {
		return nil, err // a typed nil would be no nil message
	}
	return a, nil
}

// produced is what a broker answered for all partitions of a request.
type produced struct{ outcomes map[topicPartition]outcome }

// ApiKey implements protocol.Message.
func (*produced) ApiKey() protocol.ApiKey { return protocol.Produce }

// parseProduced reads an answer of version 3 to 7.
func parseProduced(body []byte, version int16) (*produced, error) {
	p := parser{rest: body}
	p.int32() // correlation
	a := &produced{outcomes: make(map[topicPartition]outcome)}
	for range p.count() {
		topic := p.string()
		for range p.count() {
			key := topicPartition{topic, int(p.int32())}
			err := answered(p.int16())
			a.outcomes[key] = outcome{first: p.int64(), err: err}
			p.int64() // time of the append
			if version >= 5 {
				p.int64() // start of the log
			}
		}
	}
	if p.bad {
		return nil, fmt.Errorf("answer to a produce is cut short: %w", errCorrupt)
	}
	return a, nil
}

// frames are the memories of requests that are done.
var frames sync.Pool

// Frames have frameMin at least, so that they fit one another's requests, and
// are kept up to frameMax, one full batch.
const (
	frameMin = 16 << 10
	frameMax = mib + mib/4
)

func newFrame(size int) []byte {
	if f, ok := frames.Get().(*[]byte); ok && cap(*f) >= size {
		return (*f)[:0]
	}
	return make([]byte, 0, max(size, frameMin))
}

func keepFrame(frame []byte) {
	if cap(frame) <= frameMax {
		frames.Put(&frame)
	}
}

// exchange sends the batches of some boxes to their leader.
func (p *Producer) exchange(broker int32, boxes []*outbox) (map[topicPartition]outcome, error) {
	if broker == noLeader {
		return nil, errNoLeader
	}
	frame, err := p.frame(boxes)
	if err != nil {
		return nil, err
	}
	answer, err := expect[*produced](p.client.roundTrip(p.ctx, requestTimeout, &produceCall{
		call:  call{Message: &produce.Request{}, broker: broker, clientID: p.client.cfg.ClientID},
		frame: frame,
	}))
	if err != nil {
		// The frame is lost: it may still be on its way out.
		return nil, fmt.Errorf("produce to broker %d: %w", broker, err)
	}
	keepFrame(frame)
	for _, box := range boxes {
		if _, ok := answer.outcomes[box.topicPartition]; !ok {
			return nil, errors.New("broker did not answer for all partitions")
		}
	}
	return answer.outcomes, nil
}

// frame encodes a request of the boxes' batches. It sorts the boxes.
func (p *Producer) frame(boxes []*outbox) ([]byte, error) {
	slices.SortFunc(boxes, func(a, b *outbox) int { return strings.Compare(a.topic, b.topic) })
	topics, size := 0, 64+len(p.client.cfg.ClientID)
	for i, box := range boxes {
		if i == 0 || box.topic != boxes[i-1].topic {
			topics++
			size += 8 + len(box.topic)
		}
		size += 8 + atRecords + sizeOf(box.batch)
	}
	b := newFrame(size)
	b = append(b, 0, 0, 0, 0) // size
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.Produce))
	b = append(b, 0, 0) // version: known when there is a connection
	b = binary.BigEndian.AppendUint32(b, correlation)
	b = appendString(b, p.client.cfg.ClientID)
	b = append(b, 0xff, 0xff) // no transaction
	b = binary.BigEndian.AppendUint16(b, uint16(allInSync&0xffff))
	b = binary.BigEndian.AppendUint32(b, uint32(ackTimeout.Milliseconds()))
	b = binary.BigEndian.AppendUint32(b, uint32(topics))
	for len(boxes) > 0 {
		n := 1
		for n < len(boxes) && boxes[n].topic == boxes[0].topic {
			n++
		}
		b = appendString(b, boxes[0].topic)
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		for _, box := range boxes[:n] {
			b = binary.BigEndian.AppendUint32(b, uint32(box.partition))
			b = append(b, 0, 0, 0, 0) // size of the batch
			start := len(b)
			var err error
			if b, err = encodeBatch(b, box.batch, p.cfg.Compression); err != nil {
				return nil, err
			}
			binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
		}
		boxes = boxes[n:]
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
