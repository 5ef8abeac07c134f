package sender

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender/gate"
)

// whole is an entry with every field set.
func whole() gate.Saved {
	return gate.Saved{
		Change: gate.Change{
			Account: "acme", Webhook: "wh_1", Delivery: "dlv_1", Run: 7, ItemType: "Contact", Items: []string{"7", "8"}, Type: hook.Create,
			Source:    hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 9},
			Published: time.UnixMilli(1_795_000_000_000),
		},
		By: "dlv_2", Due: time.UnixMilli(1_795_000_000_001), Held: true, Mark: true, Finished: true, Older: true, After: true,
	}
}

func TestACheckpointComesBackAsItWas(t *testing.T) {
	t.Parallel()
	require.Equal(t, whole(), savedOf(entryOf(new(whole()))))
	require.Equal(t, gate.Saved{}, savedOf(entryOf(&gate.Saved{})))
}

func TestACheckpointIsDividedIntoPartsThatKafkaTakes(t *testing.T) {
	t.Parallel()
	all := make([]gate.Saved, 12_000)
	for i := range all {
		all[i] = whole()
		all[i].Delivery += strconv.Itoa(i)
	}
	o := &owner{partition: 3}
	records, err := o.parts(11, all)
	require.NoError(t, err)
	require.Greater(t, len(records), 2)
	g := gated{note: note{saved: 11}}
	for _, r := range records {
		require.LessOrEqual(t, len(r.Value), maxPart+maxPart/10, "tags and lengths add to it")
		require.Equal(t, 3, r.Partition)
		g.checkpoint(r.Value)
	}
	require.Equal(t, all, g.saved)

	foreign, err := proto.Marshal(&deliveryv1.Checkpoint{Id: 12, Entries: []*deliveryv1.GateEntry{entryOf(&all[0])}})
	require.NoError(t, err)
	g.checkpoint(foreign)
	require.Len(t, g.saved, len(all), "another's, in between")
}

// A commit tells of the checkpoint as long as there is one, and in the form that
// senders from before the gate read while there is none.
func TestANoteTellsOfTheCheckpoint(t *testing.T) {
	t.Parallel()
	n := note{since: make(positions, len(written)), done: []bus.Span{{From: 12, To: 20}}}
	n.since[2] = 77
	got, err := readNote(n.encode(10), 10)
	require.NoError(t, err)
	require.Equal(t, n, got)
	require.Equal(t, "AQ", n.encode(10)[:2], "version 1")
	n.gate, n.saved = bus.Span{From: 300, To: 303}, 1<<63+5
	got, err = readNote(n.encode(10), 10)
	require.NoError(t, err)
	require.Equal(t, n, got)
}

// What changed since the checkpoint lies behind its position: the note goes no
// further until the gate is as the checkpoint shows it.
func TestTheTailBeginsWhereTheCheckpointEnds(t *testing.T) {
	t.Parallel()
	at := func(offset int64) positions {
		p := make(positions, len(written))
		for i := range p {
			p[i] = offset
		}
		return p
	}
	version := int64(0)
	now := func() int64 { return version }
	var c checkpoint
	require.Equal(t, at(10), c.note(at(10), now).since, "the gate is empty")
	version++
	require.Equal(t, at(10), c.note(at(20), now).since, "it has changed")
	start := time.Now()
	require.True(t, c.begin(version, 1, start))
	require.False(t, c.begin(version, 1, start), "one at a time")
	c.end(&checkpoint{version: version, since: at(25), span: bus.Span{From: 1, To: 2}, at: start})
	n := c.note(at(30), now)
	require.Equal(t, at(30), n.since)
	require.Equal(t, bus.Span{From: 1, To: 2}, n.gate)
	version++
	require.Equal(t, at(30), c.note(at(40), now).since)
	require.False(t, c.begin(version, 1, start.Add(time.Second)), "too soon")
	require.False(t, c.begin(version, 1_000_000, start.Add(time.Minute)), "there is much to save")
	require.True(t, c.begin(version, 1, start.Add(time.Minute)))
	c.end(nil)
	require.Equal(t, at(30), c.note(at(50), now).since, "it failed")
}
