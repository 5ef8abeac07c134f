package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/embedded"
)

// backends are the servers that an installation stands on: the suite's one
// parameter.
type backends interface {
	// environment names the servers as services take them.
	environment() map[string]string
	// servers are those that can be stopped: kafka, redis or postgres.
	servers() []string
	// stop ends one of them without warning.
	stop(t *testing.T, name string)
	// start starts a stopped one again, on the same port; kafka and postgres
	// with what they had.
	start(t *testing.T, name string)
}

// awayDuring stops a server, does something, and starts it again, for those
// that come after also if that fails.
func awayDuring(t *testing.T, b backends, name string, do func()) {
	t.Helper()
	b.stop(t, name)
	defer b.start(t, name)
	do()
}

// onBackends gives the real servers if the environment names them, else the
// embedded ones.
func onBackends(t *testing.T) backends {
	t.Helper()
	if brokers := os.Getenv("STAFFETTA_TEST_KAFKA"); brokers != "" {
		return real{
			kafka: brokers, redis: os.Getenv("STAFFETTA_TEST_REDIS"),
			database: os.Getenv("STAFFETTA_TEST_DATABASE"), script: os.Getenv("STAFFETTA_TEST_SERVERS"),
		}
	}
	dir := t.TempDir()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{Listen: freeAddress(t), DataDir: filepath.Join(dir, "kafka")})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	redis, err := embedded.StartRedis(freeAddress(t))
	require.NoError(t, err)
	t.Cleanup(redis.Close)
	return inProcess{kafka: kafka, redis: redis, database: "sqlite:" + filepath.Join(dir, "staffetta.db")}
}

// inProcess are the embedded servers, in the process of the test.
type inProcess struct {
	kafka    *embedded.Kafka
	redis    *embedded.Redis
	database string
}

func (b inProcess) environment() map[string]string {
	return map[string]string{
		"STAFFETTA_KAFKA_BROKERS": b.kafka.Addr(),
		"STAFFETTA_REDIS_URL":     b.redis.URL(),
		"STAFFETTA_DATABASE_URL":  b.database,
	}
}

func (b inProcess) servers() []string { return []string{"kafka", "redis"} }

func (b inProcess) stop(t *testing.T, name string) {
	t.Helper()
	switch name {
	case "kafka":
		b.kafka.Close()
	case "redis":
		b.redis.Close()
	default:
		t.Fatalf("no embedded server is called %q", name)
	}
}

func (b inProcess) start(t *testing.T, name string) {
	t.Helper()
	// Restart stops what runs, and here nothing does.
	switch name {
	case "kafka":
		require.NoError(t, b.kafka.Restart())
	case "redis":
		require.NoError(t, b.redis.Restart())
	default:
		t.Fatalf("no embedded server is called %q", name)
	}
}

// real are Apache Kafka, Redis and PostgreSQL.
type real struct{ kafka, redis, database, script string }

func (b real) environment() map[string]string {
	return map[string]string{
		"STAFFETTA_KAFKA_BROKERS": b.kafka,
		"STAFFETTA_REDIS_URL":     b.redis,
		"STAFFETTA_DATABASE_URL":  b.database,
	}
}

func (b real) servers() []string { return []string{"kafka", "redis", "postgres"} }

func (b real) stop(t *testing.T, name string) {
	t.Helper()
	if b.script == "" {
		t.Skip("STAFFETTA_TEST_SERVERS does not say how servers are stopped")
	}
	b.run(t, "stop", name, "--kill")
}

func (b real) start(t *testing.T, name string) {
	t.Helper()
	b.run(t, "start", name)
}

func (b real) run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, b.script, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
