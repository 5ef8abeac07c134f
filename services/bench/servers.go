package bench

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"github.com/staffetta/staffetta/pkg/embedded"
)

// servers starts embedded ones unless cfg names real ones, and notes where they
// are. stop ends them and removes what they kept; it is never nil.
func (cfg *Config) servers() (kind Servers, stop func() error, err error) {
	if len(cfg.Kafka.Brokers) > 0 {
		return Real, func() error { return nil }, nil
	}
	folder, err := os.MkdirTemp("", "staffetta-bench-*")
	if err != nil {
		return Embedded, func() error { return nil }, fmt.Errorf("folder of the embedded servers: %w", err)
	}
	remove := func() error { return os.RemoveAll(folder) }
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{
		DataDir: filepath.Join(folder, "kafka"), Log: cfg.Log.Named("kafka"),
	})
	if err != nil {
		return Embedded, remove, err
	}
	redis, err := embedded.StartRedis("")
	if err != nil {
		return Embedded, func() error { kafka.Close(); return remove() }, err
	}
	cfg.Kafka.Brokers = []string{kafka.Addr()}
	cfg.RedisURL = redis.URL()
	cfg.DatabaseURL = "sqlite:" + filepath.Join(folder, "staffetta.db")
	return Embedded, func() error {
		redis.Close()
		kafka.Close()
		return remove()
	}, nil
}

// keys makes those that the configuration lacks.
func (cfg *Config) keys() {
	if cfg.AdminKey == "" {
		cfg.AdminKey = rand.Text() + rand.Text() // 52 characters
	}
	if cfg.EncryptionKeys == "" {
		var key [32]byte
		rand.Read(key[:]) // never fails: crypto/rand ends the program first
		cfg.EncryptionKeys = base64.StdEncoding.EncodeToString(key[:])
	}
}
