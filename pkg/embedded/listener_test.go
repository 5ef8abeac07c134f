package embedded_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/embedded"
)

// dialed is a plain connection to a new broker.
func dialed(t *testing.T) net.Conn {
	t.Helper()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	c, err := new(net.Dialer).DialContext(patient(t), "tcp", kafka.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

func TestKafkaHangsUpOnWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	for name, request := range map[string][]byte{
		"larger than Kafka takes":    {0x7f, 0xff, 0xff, 0xff},
		"smaller than any":           {0, 0, 0, 2, 0, 0},
		"a fetch without its end":    {0, 0, 0, 10, 0, 1, 0, 11, 0, 0, 0, 1, 0xff, 0xff},
		"a produce without a client": {0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialed(t)
			_, err := c.Write(request)
			require.NoError(t, err)
			_, err = c.Read(make([]byte, 1))
			require.Error(t, err)
			var timeout net.Error
			require.NotErrorAs(t, err, &timeout, "hung up, not silent")
		})
	}
}

func TestKafkaReadsRequestsThatComeInPiecesOrTogether(t *testing.T) {
	t.Parallel()
	c := dialed(t)
	req := kmsg.NewPtrApiVersionsRequest()
	one := kmsg.NewRequestFormatter().AppendRequest(nil, req, 7)
	for _, b := range one {
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	_, err := c.Write(append(append([]byte{}, one...), one...))
	require.NoError(t, err)
	for range 3 {
		var size [4]byte
		_, err := io.ReadFull(c, size[:])
		require.NoError(t, err)
		answer := make([]byte, binary.BigEndian.Uint32(size[:]))
		_, err = io.ReadFull(c, answer)
		require.NoError(t, err)
		require.EqualValues(t, 7, binary.BigEndian.Uint32(answer), "correlation")
	}
}
