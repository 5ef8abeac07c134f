package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// at is a moment, in milliseconds after noon.
func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// got is a request that arrived and was answered.
func got(arrived, ended, status int) request {
	return request{arrived: at(arrived), ended: at(ended), status: status}
}

// fell is a blow at a moment: the part was back 100 ms and all healthy 5 s later.
func fell(part string, how how, ms int) blow {
	return blow{stroke: stroke{part, how}, from: at(ms), to: at(ms), back: at(ms + 100), healthy: at(ms + 5000)}
}

func TestWhatExplainsARepetition(t *testing.T) {
	t.Parallel()
	const within = 50 * time.Millisecond
	for _, test := range []struct {
		name         string
		first, again request
		blow         blow
		want         cause
	}{
		{"it had been answered just before its sender was killed", got(900, 960, 204), got(3000, 3001, 204), fell(sender, killed, 1000), senderKilled},
		{"exactly at the limit", got(900, 950, 204), got(3000, 3001, 204), fell(sender, killed, 1000), senderKilled},
		{"it had been answered longer before", got(900, 949, 204), got(3000, 3001, 204), fell(sender, killed, 1000), unexplained},
		{"it was open when its sender was killed", got(900, 1200, 204), got(3000, 3001, 204), fell(sender, killed, 1000), senderKilled},
		{"it was on its way when its sender was killed", got(1150, 1151, 204), got(3000, 3001, 204), fell(sender, killed, 1000), senderKilled},
		{"it came long after the kill, so another sender sent it", got(1151, 1152, 204), got(3000, 3001, 204), fell(sender, killed, 1000), unexplained},
		{"it was repeated before the kill", got(900, 960, 204), got(980, 981, 204), fell(sender, killed, 1000), unexplained},
		{"a planned restart explains no answer", got(900, 999, 204), got(3000, 3001, 204), fell(sender, restarted, 1000), unexplained},
		{"its partition moved while it was open", got(900, 1200, 204), got(1100, 1101, 204), fell(sender, restarted, 1000), moved},
		{"it was open but nothing moved", got(900, 1200, 204), got(1100, 1101, 204), fell(redis, killed, 1000), unexplained},
		{"it was open when all was healthy again", got(6100, 6300, 204), got(6200, 6201, 204), fell(sender, restarted, 1000), unexplained},
		{"its answer could not be written down", got(1050, 1060, 204), got(3000, 3001, 204), fell(kafka, restarted, 1000), kafkaAway},
		{"its answer may not have been written down", got(900, 960, 204), got(3000, 3001, 204), fell(kafka, killed, 1000), kafkaAway},
		{"kafka was back when it came", got(1200, 1201, 204), got(3000, 3001, 204), fell(kafka, killed, 1000), unexplained},
		{"a killed router explains nothing", got(960, 999, 204), got(3000, 3001, 204), fell(router, killed, 1000), unexplained},
		{"a flushed cache explains nothing", got(960, 999, 204), got(3000, 3001, 204), fell(redis, flushed, 1000), unexplained},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []repetition{{test.first, test.again, test.want}},
				repetitions([]request{test.first, test.again}, []blow{fell(api, killed, 0), test.blow}, within))
		})
	}
}

func TestWhatIsNoRepetition(t *testing.T) {
	t.Parallel()
	for name, requests := range map[string][]request{
		"a single request":          {got(0, 1, 204)},
		"a retry after a failure":   {got(0, 1, 500), got(1000, 1001, 204)},
		"a retry after no answer":   {{arrived: at(0), ended: at(5000)}, got(6000, 6001, 204)},
		"a request after an open":   {{arrived: at(0)}, got(6000, 6001, 204)},
		"a delivery without any":    nil,
		"a request that is refused": {got(0, 1, 500), got(1, 2, 500)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, repetitions(requests, nil, time.Second))
		})
	}
}

func TestARetryOfARepetitionIsNoSecondRepetition(t *testing.T) {
	t.Parallel()
	found := repetitions([]request{got(0, 1, 204), got(1000, 1001, 500), got(2000, 2001, 204)}, nil, time.Second)
	require.Len(t, found, 1)
	require.Equal(t, at(1000), found[0].again.arrived)
}

func TestWhatTheLogMustKnow(t *testing.T) {
	t.Parallel()
	kill, restart := fell(sender, killed, 1000), fell(sender, restarted, 1000)
	for _, test := range []struct {
		name     string
		requests []request
		blow     blow
		want     int
	}{
		{"every answer", []request{got(0, 1, 500), got(2000, 2001, 500), got(4000, 4001, 204)}, kill, 3},
		{"not what had no answer", []request{{arrived: at(0), ended: at(500)}, got(2000, 2001, 204)}, kill, 1},
		{"not an answer that a kill swallowed", []request{got(980, 990, 500), got(2000, 2001, 204)}, kill, 1},
		{"not a repetition, which is the same attempt", []request{got(0, 1, 204), got(2000, 2001, 204)}, kill, 1},
		{"not an answer at the old owner of a partition", []request{got(900, 1200, 500), got(1100, 1101, 204)}, restart, 1},
		{"but one before the partition moved", []request{got(900, 990, 500), got(1100, 1101, 204)}, restart, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, recordable(test.requests, []blow{test.blow}, 50*time.Millisecond))
		})
	}
}
