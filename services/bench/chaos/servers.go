package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/services/bench"
)

// servers are what the installation stands on.
type servers interface {
	kind() bench.Servers
	// strokes are what may happen to them.
	strokes() []stroke
	// stop stops one, without warning if that is how.
	stop(ctx context.Context, name string, how how) error
	// start starts it again, on the same port, and returns when it answers.
	// Kafka and PostgreSQL have what they had, Redis has nothing.
	start(ctx context.Context, name string) error
	close() error
}

// The names of the servers.
const (
	kafka    = "kafka"
	redis    = "redis"
	postgres = "postgres"
)

// openServers starts embedded ones unless cfg names real ones, and notes where
// they are.
func openServers(cfg *Config) (servers, error) {
	if len(cfg.Kafka.Brokers) > 0 {
		return real{command: cfg.Servers}, nil
	}
	folder, err := os.MkdirTemp("", "staffetta-chaos-servers-*")
	if err != nil {
		return nil, fmt.Errorf("folder of the embedded servers: %w", err)
	}
	s := &inProcess{folder: folder}
	if err := s.open(cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	cfg.Kafka.Brokers, cfg.RedisURL = []string{s.kafka.Addr()}, s.redis.URL()
	cfg.DatabaseURL = "sqlite:" + filepath.Join(folder, "staffetta.db")
	return s, nil
}

// inProcess are the embedded servers. They end without warning, since their
// clients' connections are cut; but they write down what they took.
type inProcess struct {
	folder string
	kafka  *embedded.Kafka
	redis  *embedded.Redis
}

// open gives both ports of their own, below those that systems take for outgoing
// connections: else one could be somebody's when its server is started again.
func (s *inProcess) open(cfg *Config) error {
	addresses, err := freeAddresses(2)
	if err != nil {
		return err
	}
	s.kafka, err = embedded.StartKafka(embedded.KafkaConfig{
		Listen: addresses[0], DataDir: filepath.Join(s.folder, "kafka"), Log: cfg.Log.Named("kafka"),
	})
	if err != nil {
		return err
	}
	s.redis, err = embedded.StartRedis(addresses[1])
	return err
}

func (s *inProcess) kind() bench.Servers { return bench.Embedded }

func (s *inProcess) strokes() []stroke {
	return []stroke{{kafka, killed}, {redis, killed}, {redis, flushed}}
}

func (s *inProcess) stop(_ context.Context, name string, _ how) error {
	if name == kafka {
		s.kafka.Close()
	} else {
		s.redis.Close()
	}
	return nil
}

func (s *inProcess) start(_ context.Context, name string) error {
	if name == kafka {
		return s.kafka.Restart() // of what does not run, which is a start
	}
	return s.redis.Restart()
}

func (s *inProcess) close() error {
	if s.redis != nil {
		s.redis.Close()
	}
	if s.kafka != nil {
		s.kafka.Close()
	}
	return os.RemoveAll(s.folder)
}

// real are Apache Kafka, Redis and PostgreSQL, which a command stops and starts.
type real struct{ command string }

// commandTimeout bounds one stop or start: Kafka is given 40 s and 120 s.
const commandTimeout = 3 * time.Minute

func (real) kind() bench.Servers { return bench.Real }

func (s real) strokes() []stroke {
	if s.command == "" {
		return []stroke{{redis, flushed}}
	}
	return []stroke{
		{kafka, killed}, {kafka, restarted}, {redis, killed}, {redis, restarted}, {redis, flushed},
		{postgres, killed}, {postgres, restarted},
	}
}

func (s real) stop(ctx context.Context, name string, how how) error {
	if how == killed {
		return s.run(ctx, "stop", name, "--kill")
	}
	return s.run(ctx, "stop", name)
}

func (s real) start(ctx context.Context, name string) error { return s.run(ctx, "start", name) }

func (real) close() error { return nil }

func (s real) run(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, s.command, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", s.command, strings.Join(args, " "), err, out)
	}
	return nil
}
