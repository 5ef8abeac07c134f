package e2e_test

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/services/bench/chaos"
)

// TestNothingIsLostWhateverHappensToAPart runs `staffetta bench chaos`. On real
// servers every stroke falls once, in 15 rounds. On embedded ones it is what
// touches deliveries most, in as many rounds as there are, since a member of a
// group that is killed is missed for its session of 10 s.
//
// The seed of a run that failed goes into STAFFETTA_TEST_SEED to have its order
// again.
func TestNothingIsLostWhateverHappensToAPart(t *testing.T) {
	cfg := chaos.Config{
		Rounds: 15, Rate: 100, Seed: seed(t),
		// The race detector makes everything several times slower, and other tests
		// run beside this one; the promised 50 ms is for the command to show.
		Within:  500 * time.Millisecond,
		Program: []string{os.Args[0]}, Environment: []string{asStaffetta + "=1"},
		Patience: 5 * time.Minute, // nothing here is deferred for longer
		Logs:     filepath.Join(t.TempDir(), "logs"), Progress: t.Output(), Log: zap.NewNop(),
	}
	if brokers := os.Getenv("STAFFETTA_TEST_KAFKA"); brokers != "" {
		// Alone: it stops servers that other tests need.
		cfg.Kafka.Brokers, cfg.Servers = strings.Split(brokers, ","), os.Getenv("STAFFETTA_TEST_SERVERS")
		cfg.RedisURL, cfg.DatabaseURL = os.Getenv("STAFFETTA_TEST_REDIS"), os.Getenv("STAFFETTA_TEST_DATABASE")
	} else {
		t.Parallel()
		cfg.Only = []string{"sender kill", "sender restart", "kafka kill", "redis flush"}
		cfg.Rounds = len(cfg.Only)
	}
	result, err := chaos.Run(t.Context(), cfg)
	require.NoError(t, err)
	t.Logf("%+v", result)
	if err := result.Fault(); err != nil {
		findings, _ := os.ReadFile(filepath.Join(cfg.Logs, "findings.txt"))
		const shown = 8 << 10 // the blows, and some of what they did
		t.Fatalf("%v\n%s", err, findings[:min(len(findings), shown)])
	}
	require.Positive(t, result.Deliveries)
}

// seed is another one each time, unless one is named.
func seed(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("STAFFETTA_TEST_SEED"); text != "" {
		named, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		return named
	}
	var b [2]byte
	rand.Read(b[:])
	return uint64(binary.BigEndian.Uint16(b[:]))
}
