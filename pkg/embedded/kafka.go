package embedded

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// KafkaConfig tunes an embedded Kafka.
type KafkaConfig struct {
	// Listen is where clients connect, host:port. The host is also what clients
	// are told to connect to, so it is no wildcard. Port 0 picks a free one.
	// Default "127.0.0.1:0".
	Listen string
	// DataDir keeps the log; empty: in memory. What was acknowledged survives a
	// kill of the process, not a power cut: it is written without fsync, as
	// Apache Kafka does.
	DataDir string
	// MinSessionTimeout of consumer groups. Default 1 s, where Apache Kafka has
	// 6 s, so that a process that was killed is missed for less long.
	MinSessionTimeout time.Duration
	// Log gets the server's warnings. Default: nothing.
	Log *zap.Logger
}

// Kafka is an embedded Kafka of one broker, kfake. It opens the one listener.
type Kafka struct {
	cfg  KafkaConfig
	addr string

	mu      sync.Mutex
	cluster *kfake.Cluster
	stop    chan struct{}
	expiry  sync.WaitGroup
}

// expiryInterval is how often records beyond their retention are dropped.
const expiryInterval = 5 * time.Minute

// StartKafka starts a broker, with the log that DataDir has. The error of a bad
// Listen is hook.Invalid.
func StartKafka(cfg KafkaConfig) (*Kafka, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.MinSessionTimeout == 0 {
		cfg.MinSessionTimeout = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	ip := net.ParseIP(host)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || ip != nil && ip.IsUnspecified() {
		var invalid hook.Invalid
		invalid.Add("kafka.listen", cfg.Listen, "must be host:port with the host that clients connect to")
		return nil, invalid
	}
	k := &Kafka{cfg: cfg, addr: cfg.Listen}
	if err := k.start(); err != nil {
		return nil, err
	}
	return k, nil
}

// Addr is where the broker listens, the same after a Restart.
func (k *Kafka) Addr() string { return k.addr }

// Close stops the broker. What it acknowledged is in DataDir.
func (k *Kafka) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cluster == nil {
		return
	}
	close(k.stop)
	k.expiry.Wait()
	k.cluster.Close()
	k.cluster = nil
}

// Restart stops the broker and starts it on the same address with the log of
// DataDir; without one everything is gone.
func (k *Kafka) Restart() error {
	k.Close()
	return k.start()
}

func (k *Kafka) start() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("staffetta"),
		kfake.GroupMinSessionTimeout(k.cfg.MinSessionTimeout),
		kfake.WithLogger(logger{k.cfg.Log}),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			l, err := new(net.ListenConfig).Listen(context.Background(), network, k.addr)
			if err != nil {
				return nil, err
			}
			return listener{l}, nil
		}),
	}
	if k.cfg.DataDir != "" {
		options = append(options, kfake.DataDir(k.cfg.DataDir))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return fmt.Errorf("start embedded kafka on %s: %w", k.addr, err)
	}
	k.cluster = cluster
	k.addr = cluster.ListenAddrs()[0]
	k.stop = make(chan struct{})
	k.expiry.Go(func() { expire(cluster, k.stop) })
	return nil
}

// expire drops what is beyond its retention. kfake does so by itself only once
// an hour, and after a restart only when a topic's settings were changed.
func expire(cluster *kfake.Cluster, stop <-chan struct{}) {
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		cluster.ApplyRetention()
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
	}
}

// logger hands kfake's log on.
type logger struct{ log *zap.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Sugar().Errorf(format, args...)
	case kfake.LogLevelWarn:
		l.log.Sugar().Warnf(format, args...)
	}
}
