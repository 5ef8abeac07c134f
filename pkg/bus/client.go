package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// SASL is how a client proves who it is; see Plain, ScramSHA256, ScramSHA512.
type SASL = sasl.Mechanism

// Plain sends name and password as they are: use it with TLS only.
func Plain(username, password string) SASL {
	return plain.Mechanism{Username: username, Password: password}
}

// ScramSHA256 proves knowledge of the password without sending it.
func ScramSHA256(username, password string) (SASL, error) {
	return scram.Mechanism(scram.SHA256, username, password)
}

// ScramSHA512 is ScramSHA256 with the longer hash.
func ScramSHA512(username, password string) (SASL, error) {
	return scram.Mechanism(scram.SHA512, username, password)
}

// Config says how to reach a cluster.
type Config struct {
	// Brokers to ask first, as host:port; at least one. The others are learnt.
	Brokers []string
	// ClientID is shown in the brokers' logs and quotas. Default "staffetta".
	ClientID string
	// TLS is nil for plain connections. ServerName is set per broker.
	TLS *tls.Config
	// SASL is nil where brokers ask for no login.
	SASL SASL
	// SessionTimeout is that of the groups whose own configuration has none.
	// Default 10 s.
	SessionTimeout time.Duration
	// Log gets warnings about what is tried again. Default: nothing.
	Log *zap.Logger
}

const (
	// requestTimeout bounds one request to a broker. A broker that died
	// refuses at once, so only one that hangs costs this time.
	requestTimeout = 15 * time.Second
	// layoutTTL bounds how long a broker that came up on a new address stays
	// unknown (kafka-go asks at a random moment within it, 1 s on average).
	layoutTTL = 2 * time.Second
	// tries of an operation whose fault passes, with a backoff from 50 ms
	// doubling: 50 + 100 + 200 + 400 + 800 ms is about what an election takes.
	tries = 6

	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// Client talks to one cluster. It is safe for concurrent use and shared by all
// producers, fetchers and groups of a process.
type Client struct {
	cfg       Config
	log       *zap.Logger
	addr      net.Addr
	transport *kafka.Transport
	kafka     *kafka.Client
	layout    *layout

	coordinators coordinators

	ctx    context.Context
	cancel context.CancelFunc
}

// Dial checks the configuration; connections are made when they are needed.
// Its error is hook.Invalid.
func Dial(cfg Config) (*Client, error) {
	var invalid hook.Invalid
	if len(cfg.Brokers) == 0 {
		invalid.Add("brokers", "", "must name at least one host:port")
	}
	for i, broker := range cfg.Brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			invalid.Add(fmt.Sprintf("brokers[%d]", i), broker, "must be host:port")
		}
	}
	if err := invalid.Err(); err != nil {
		return nil, err
	}
	if cfg.ClientID == "" {
		cfg.ClientID = "staffetta"
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		cfg:  cfg,
		log:  cfg.Log,
		addr: kafka.TCP(cfg.Brokers...),
		transport: &kafka.Transport{
			ClientID:    cfg.ClientID,
			MetadataTTL: layoutTTL,
			TLS:         cfg.TLS,
			SASL:        cfg.SASL,
			Context:     ctx,
		},
		ctx:    ctx,
		cancel: cancel,
	}
	c.kafka = &kafka.Client{Addr: c.addr, Timeout: requestTimeout, Transport: c.transport}
	c.layout = newLayout(c)
	return c, nil
}

// Ping reports whether a broker answers.
func (c *Client) Ping(ctx context.Context) error {
	// An empty list asks for no topic; nil would ask for all.
	if _, err := c.do(ctx, anyBroker, &metadata.Request{TopicNames: []string{}}); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}

// Close drops the connections. Close producers, fetchers and groups first.
func (c *Client) Close() {
	c.cancel()
	c.transport.CloseIdleConnections()
}

// do sends a request to a broker and returns its answer.
func (c *Client) do(ctx context.Context, broker int32, req protocol.Message) (protocol.Message, error) {
	return c.doWithin(ctx, requestTimeout, broker, req)
}

func (c *Client) doWithin(ctx context.Context, timeout time.Duration, broker int32, req protocol.Message) (protocol.Message, error) {
	answer, err := expect[*reply](c.roundTrip(ctx, timeout, &call{Message: req, broker: broker, clientID: c.cfg.ClientID}))
	if err != nil {
		return nil, err
	}
	return answer.Message, nil
}

func (c *Client) roundTrip(ctx context.Context, timeout time.Duration, req protocol.Message) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.transport.RoundTrip(ctx, c.addr, req)
}

// retry tries an operation until it works, its fault does not pass, the tries
// are used up or ctx ends. Before each further try the layout is read again.
func (c *Client) retry(ctx context.Context, try func(ctx context.Context) error) error {
	wait := minBackoff
	for n := 1; ; n++ {
		err := try(ctx)
		if err == nil || n == tries || !passing(err) || ctx.Err() != nil {
			return err
		}
		if pause(ctx, wait) != nil {
			return err
		}
		wait = min(2*wait, maxBackoff)
		c.layout.expire()
	}
}

// pause waits, a little more or less, so that clients do not come in step.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d*3/4 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	}
}
