package bus

import (
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// anyBroker as a destination: whichever is connected.
const anyBroker int32 = -1

// correlation is the id of every request: a connection has one at a time.
const correlation = 1

// call is a request to one broker. kafka-go would route by its own view of the
// cluster, which it renews by the clock and not after a fault, would serve
// metadata from that view, and would send ListOffsets partition by partition,
// each on a connection of its own.
type call struct {
	protocol.Message
	broker   int32
	clientID string
	version  int16
}

// newestVersion caps the versions of some requests. Of the first two, kafka-go
// decodes later answers wrongly: since version 1 they begin with the throttle
// time, but it takes them to begin with the error code. That is then always 0,
// so no heartbeat would ever tell of a rebalance.
var newestVersion = map[protocol.ApiKey]int16{
	protocol.Heartbeat:  0,
	protocol.LeaveGroup: 0,
	protocol.Produce:    producedAs,
}

// Broker implements protocol.BrokerMessage.
func (c *call) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if c.broker == anyBroker {
		return protocol.Broker{ID: anyBroker}, nil
	}
	b, ok := cluster.Brokers[c.broker]
	if !ok {
		return protocol.Broker{}, fmt.Errorf("broker %d: %w", c.broker, errNoLeader)
	}
	return b, nil
}

// Required implements protocol.RawExchanger: the exchange is always ours.
func (c *call) Required(versions map[protocol.ApiKey]int16) bool {
	c.version = versions[c.ApiKey()]
	if newest, ok := newestVersion[c.ApiKey()]; ok {
		c.version = min(c.version, newest)
	}
	return true
}

// RawExchange implements protocol.RawExchanger.
func (c *call) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if p, ok := c.Message.(protocol.PreparedMessage); ok {
		p.Prepare(c.version)
	}
	m, err := protocol.RoundTrip(rw, c.version, correlation, c.clientID, c.Message)
	return &reply{m}, err
}

// reply hides what was answered from kafka-go, which takes it to answer a
// request of its own.
type reply struct{ protocol.Message }

// expect gives an answer the type that it has for its request.
func expect[T protocol.Message](m protocol.Message, err error) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	answer, ok := m.(T)
	if !ok {
		return none, fmt.Errorf("answer is a %T, not a %T", m, none)
	}
	return answer, nil
}

var (
	_ protocol.BrokerMessage = (*call)(nil)
	_ protocol.RawExchanger  = (*call)(nil)
)
