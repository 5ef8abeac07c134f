// Package standalone runs all services in one process, on an embedded Kafka,
// Redis and SQLite unless the configuration names real ones. Everything that
// must survive lives in one data folder.
package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/portal/trial"
)

// partitions of deliveries, the tiers and attempts (DESIGN.md).
const partitions = 8

// sessionTimeout is how long a restart after a kill waits for the process that
// was; nobody else can have the partitions here.
const sessionTimeout = 3 * time.Second

// Config of a standalone.
type Config struct {
	// Config of the services; Kafka, Redis and database are embedded where it
	// names none, and keys are made and kept in the data folder.
	config.Config
	// DataDir is created if it is missing.
	DataDir string
	// KafkaListen is the address of the embedded Kafka, such as
	// "127.0.0.1:19092".
	KafkaListen string
	// Demo makes changes and receives them.
	Demo bool
	// Version of the program.
	Version string
	Log     *zap.Logger
	// Out is where people are told what there is to try.
	Out io.Writer
	// Ready is called with the base URL once all services answer; may be nil.
	Ready func(url string)
}

// Run works until ctx ends.
func Run(ctx context.Context, cfg Config) (err error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	locked, err := lock(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, locked.Close()) }()
	if err := keys(&cfg); err != nil {
		return err
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = localURL(cfg.Listen)
	}
	forgetful := cfg.RedisURL == "" // one of our own, which begins empty
	stop, err := servers(&cfg)
	defer stop()
	if err != nil {
		return err
	}
	parts, err := assembly.Open(ctx, "standalone", cfg.Config, cfg.Version, cfg.Log)
	if err != nil {
		return err
	}
	defer parts.Close()
	if err := parts.Migrate(ctx); err != nil {
		return err
	}
	if err := parts.Topics(ctx, partitions, 1); err != nil {
		return err
	}
	if forgetful {
		counters := redisstore.NewCounters(parts.Redis)
		if err := errors.Join(remember(ctx, sqlstore.New(parts.DB, time.Now), counters, time.Now()), counters.Close()); err != nil {
			return err
		}
	}
	parts.Trial = trial.New(cfg.AdminKey, nil)
	components, err := parts.All(ctx)
	if err != nil {
		return err
	}
	serving, end := context.WithCancelCause(ctx)
	defer end(nil)
	demo := make(chan error, 1)
	err = parts.Serve(serving, func(address string) {
		parts.Trial.Found(localURL(address))
		cfg.greet(address)
		if cfg.Ready != nil {
			cfg.Ready("http://" + address)
		}
		if !cfg.Demo {
			cfg.begin(serving, sqlstore.New(parts.DB, time.Now), "http://"+address)
			demo <- nil
			return
		}
		go func() {
			err := cfg.demonstrate(serving, "http://"+address)
			if err != nil {
				end(err)
			}
			demo <- err
		}()
	}, components...)
	end(nil)
	if err != nil {
		return err
	}
	return <-demo
}

// localURL is where a browser on this machine finds what listens on an address; empty
// if that is not known before it does.
func localURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// keys makes those that the configuration lacks.
func keys(cfg *Config) (err error) {
	if cfg.AdminKey == "" {
		if cfg.AdminKey, err = kept(cfg.DataDir, "admin-key"); err != nil {
			return err
		}
	}
	if cfg.EncryptionKeys == "" {
		if cfg.EncryptionKeys, err = kept(cfg.DataDir, "encryption-key"); err != nil {
			return err
		}
	}
	return nil
}

// servers starts those that the configuration names none of. stop ends them, in
// the reverse order; it is never nil.
func servers(cfg *Config) (stop func(), err error) {
	var closers []func()
	stop = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	if len(cfg.Kafka.Brokers) == 0 {
		kafka, err := embedded.StartKafka(embedded.KafkaConfig{
			Listen: cfg.KafkaListen, DataDir: filepath.Join(cfg.DataDir, "kafka"), Log: cfg.Log.Named("kafka"),
		})
		if err != nil {
			return stop, err
		}
		closers = append(closers, kafka.Close)
		cfg.Kafka.Brokers = []string{kafka.Addr()}
		cfg.Kafka.SessionTimeout = sessionTimeout
	}
	if cfg.RedisURL == "" {
		redis, err := embedded.StartRedis("127.0.0.1:0")
		if err != nil {
			return stop, err
		}
		closers = append(closers, redis.Close)
		cfg.RedisURL = redis.URL()
	}
	if cfg.DatabaseURL == "" {
		cfg.DatabaseURL = "sqlite:" + filepath.Join(cfg.DataDir, "staffetta.db")
	}
	return stop, nil
}
