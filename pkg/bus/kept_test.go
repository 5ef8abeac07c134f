package bus_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Kafka deletes whole segments, so a record may stay for the length of one longer than
// the retention says.
func TestKafkaKeepsARecordForTheRetentionAndASegment(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1) // of an hour
		kept, err := client.Kept(patient(t), []string{topic, name("missing")})
		require.NoError(t, err)
		require.Equal(t, map[string]time.Duration{topic: time.Hour + 7*24*time.Hour}, kept)
	})
}
