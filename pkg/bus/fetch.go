package bus

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	readCommitted = 1
	// maxAnswer bounds what is read for an answer: a broker may exceed the
	// bytes asked for by one batch.
	maxAnswer = 256 << 20
)

// fetched is what a broker answered for one partition.
type fetched struct {
	topic         string
	partition     int
	err           error
	highWatermark int64
	aborted       []abortedTransaction
	set           []byte // record batches
}

// answer to a fetch request, as a message for kafka-go's transport.
type answer struct {
	partitions []fetched
	body       []byte // the memory of their sets
}

// ApiKey implements protocol.Message.
func (*answer) ApiKey() protocol.ApiKey { return protocol.Fetch }

// fetchCall sends a fetch request and keeps the answer's batches as they came;
// see wireBatch for why kafka-go does not decode them.
type fetchCall struct {
	call
	spare []byte // memory for the answer, if it is enough
}

// RawExchange implements protocol.RawExchanger.
func (f *fetchCall) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, f.version, correlation, f.clientID, f.Message); err != nil {
		return nil, err
	}
	body, err := readFrame(rw, f.spare)
	if err != nil {
		return nil, fmt.Errorf("read the answer to a fetch: %w", err)
	}
	a, err := parseAnswer(body, f.version)
	if err != nil {
		return nil, err // a typed nil would be no nil message
	}
	return a, nil
}

// readFrame reads what a broker answered, into spare if it is large enough.
func readFrame(r io.Reader, spare []byte) ([]byte, error) {
	// The size goes through the same memory: a variable of its own would be
	// allocated, since it is handed to an interface.
	if cap(spare) < 4 {
		spare = make([]byte, 512)
	}
	head := spare[:4]
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head)
	if size > maxAnswer {
		return nil, fmt.Errorf("%d bytes: %w", size, errCorrupt)
	}
	body := spare
	if int(size) > cap(body) {
		// A quarter more, so that slightly larger ones fit next time.
		body = make([]byte, size+size/4)
	}
	body = body[:size]
	_, err := io.ReadFull(r, body)
	return body, err
}

// wanted is a partition to fetch from an offset.
type wanted struct {
	topic     string
	partition int
	offset    int64
}

// fetchFrom asks one broker for partitions that it leads, in this order of
// precedence, and waits for at least a byte of any of them. The answer may be
// put into spare, which is lost if there is an error.
func (c *Client) fetchFrom(ctx context.Context, broker int32, want []wanted, wait time.Duration, maxBytes, partitionMaxBytes int, spare []byte) (*answer, error) {
	req := &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(wait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       int32(maxBytes),
		IsolationLevel: readCommitted,
		SessionEpoch:   -1, // no session
	}
	topics := make(map[string]int)
	for _, w := range want {
		i, ok := topics[w.topic]
		if !ok {
			i = len(req.Topics)
			topics[w.topic] = i
			req.Topics = append(req.Topics, fetch.RequestTopic{Topic: w.topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, fetch.RequestPartition{
			Partition:          int32(w.partition),
			CurrentLeaderEpoch: -1,
			FetchOffset:        w.offset,
			LogStartOffset:     -1,
			PartitionMaxBytes:  int32(partitionMaxBytes),
		})
	}
	a, err := expect[*answer](c.roundTrip(ctx, wait+requestTimeout, &fetchCall{
		call:  call{Message: req, broker: broker, clientID: c.cfg.ClientID},
		spare: spare,
	}))
	if err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", broker, err)
	}
	return a, nil
}

// parseAnswer reads an answer of version 4 to 11.
func parseAnswer(body []byte, version int16) (*answer, error) {
	p := parser{rest: body}
	p.int32() // correlation
	p.int32() // throttle
	if version >= 7 {
		if code := p.int16(); code != 0 {
			return nil, kafka.Error(code)
		}
		p.int32() // session
	}
	a := &answer{body: body}
	for range p.count() {
		topic := p.string()
		for range p.count() {
			a.partitions = append(a.partitions, p.partition(topic, version))
		}
	}
	if p.bad {
		return nil, fmt.Errorf("answer to a fetch is cut short: %w", errCorrupt)
	}
	return a, nil
}

// parser reads the plain fields of the protocol; bad is set when they end early.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) partition(topic string, version int16) fetched {
	f := fetched{topic: topic, partition: int(p.int32()), err: answered(p.int16()), highWatermark: p.int64()}
	p.int64() // last stable offset
	if version >= 5 {
		p.int64() // log start offset
	}
	for range p.count() {
		f.aborted = append(f.aborted, abortedTransaction{producer: p.int64(), first: p.int64()})
	}
	if version >= 11 {
		p.int32() // preferred replica
	}
	f.set = p.take(int(max(p.int32(), 0)))
	return f
}

func (p *parser) take(n int) []byte {
	if n > len(p.rest) || p.bad {
		p.bad, p.rest = true, nil
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) int16() int16 {
	if b := p.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (p *parser) int32() int32 {
	if b := p.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (p *parser) int64() int64 {
	if b := p.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count of an array; null is −1 and has none. Each element has a byte at least.
func (p *parser) count() int {
	n := int(p.int32())
	if n > len(p.rest) {
		p.bad, n = true, 0
	}
	return max(n, 0)
}

func (p *parser) string() string { return string(p.take(int(max(p.int16(), 0)))) }
