package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
)

// quick is a relay whose term another one need not wait for long. On a busy machine it
// may lose it at any time.
func (r *rig) quick(p Producer) *Relay {
	r.Helper()
	return r.leased(p, 300*time.Millisecond)
}

func (r *rig) leased(p Producer, lease time.Duration) *Relay {
	r.Helper()
	relay, err := NewRelay(RelayConfig{DB: r.db, Outbox: r.outbox, Producer: p, Poll: 5 * time.Millisecond, Lease: lease})
	require.NoError(r, err)
	return relay
}

func TestALeaderThatHangsIsReplacedAndChangesNothingAfterwards(t *testing.T) {
	backends(t, func(r *rig) {
		r.writeMany(3)
		first, second := newTopic(), newTopic()
		zombie := r.quick(first)
		hangs, wakes := make(chan struct{}), make(chan struct{})
		zombie.acknowledged = func() error { // it renews nothing meanwhile
			close(hangs)
			<-wakes
			return nil
		}
		ctx, kill := context.WithCancel(r.Context())
		defer kill()
		t, err := zombie.lease.Stand(ctx)
		require.NoError(r, err)
		ended := make(chan error, 1)
		go func() {
			_, err := zombie.round(ctx, t)
			ended <- err
		}()
		<-hangs
		first.has(r.T, 3)

		// The successor has the rows on their way when the zombie wakes.
		second.hold = make(chan struct{})
		r.run(r.relay(second))
		second.has(r.T, 3)
		close(wakes)
		require.ErrorIs(r, <-ended, errLost)
		require.Equal(r, 3, r.waiting(), "they are the successor's to delete")
		require.ErrorIs(r, t.Change(ctx, func(*sql.Tx) error { return nil }), errLost)
		t.End(ctx)

		close(second.hold)
		r.empties()
		require.Equal(r, []string{"e0", "e1", "e2"}, second.ids(r.T), "published once by each")
		require.Equal(r, []string{"e0", "e1", "e2"}, first.ids(r.T))
	})
}

func TestALeaderWhoseTermIsOverGivesKafkaNothing(t *testing.T) {
	backends(t, func(r *rig) {
		r.writeMany(3)
		k := newTopic()
		relay := r.quick(k)
		term, err := relay.lease.Stand(r.Context())
		require.NoError(r, err)
		rows, _, err := relay.read(r.Context(), relay.query(nil))
		require.NoError(r, err)
		require.Eventually(r, func() bool { return !term.Valid() }, wait, time.Millisecond)
		require.ErrorIs(r, relay.publish(r.Context(), term, rows), errLost)
		require.Empty(r, k.ids(r.T))
	})
}

// Kafka is away for longer than the lease: the leader stays, and publishes all
// once when Kafka is back.
func TestALeaderThatWaitsForKafkaKeepsItsTerm(t *testing.T) {
	const lease = 3 * time.Second // a busy machine does not keep anybody from renewing it
	backends(t, func(r *rig) {
		want := r.writeMany(3)
		first, second := newTopic(), newTopic()
		first.hold = make(chan struct{})
		r.run(r.leased(first, lease))
		first.has(r.T, 3)
		r.run(r.leased(second, lease))
		term := func() (number, expires int64) {
			require.NoError(r, r.db.QueryRowContext(r.Context(),
				fmt.Sprintf(`SELECT term, expires_at FROM %s_relay`, r.outbox.prefix)).Scan(&number, &expires))
			return number, expires
		}
		number, began := term()
		require.Eventually(r, func() bool {
			now, expires := term()
			require.Equal(r, number, now)
			return expires > began+lease.Microseconds()
		}, wait, 20*time.Millisecond)
		r.write("later") // writers do not wait
		close(first.hold)
		r.empties()
		require.Equal(r, append(want, "later"), first.ids(r.T))
		require.Empty(r, second.ids(r.T))
	})
}

func TestWhatIsAcknowledgedIsDeletedWhileOthersAreOnTheirWay(t *testing.T) {
	backends(t, func(r *rig) {
		r.writeMany(3)
		k := &partly{topic: newTopic(), stuck: "e1", done: make(chan func(error), 1)}
		r.run(r.relay(k))
		require.Eventually(r, func() bool { return r.waiting() == 1 }, wait, time.Millisecond)
		(<-k.done)(nil)
		r.empties()
	})
}

// partly acknowledges all but one event.
type partly struct {
	*topic
	stuck string
	done  chan func(error)
}

func (p *partly) Produce(ctx context.Context, m Message, done func(error)) error {
	if e := p.id(m); e == p.stuck {
		p.done <- done
		return nil
	}
	return p.topic.Produce(ctx, m, done)
}

func TestADatabaseThatFailsAfterTheAcknowledgementMakesNoRepetition(t *testing.T) {
	backends(t, func(r *rig) {
		want := r.writeMany(3)
		k := newTopic()
		relay := r.relay(k)
		away := errors.New("the database is away")
		relay.acknowledged = func() error {
			err := away
			away = nil
			return err
		}
		r.run(relay)
		r.empties()
		require.Equal(r, want, k.ids(r.T))
	})
}

// Writers of a few items, each of which locks its item, changes it and writes
// the event: whatever the order in which ids become visible, the versions of an
// item rise, and none is missing. Replicas come and go meanwhile.
func TestTheOrderOfAnItemHoldsUnderConcurrencyAndChangesOfTheLeader(t *testing.T) {
	backends(t, func(r *rig) {
		const items, writers, changes = 4, 6, 30
		table := r.outbox.prefix + "_items"
		_, err := r.db.ExecContext(r.Context(), `CREATE TABLE `+table+` (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)`)
		require.NoError(r, err)
		for id := range items {
			_, err := r.db.ExecContext(r.Context(), `INSERT INTO `+table+` (id, version) VALUES ($1, 0)`, id)
			require.NoError(r, err)
		}
		k := newTopic()
		small := func() *Relay {
			relay := r.relay(k)
			relay.batch = 3 // so that the next batch is read while one is on its way
			return relay
		}
		stop := r.run(small())
		r.run(small())
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for n := range changes {
					if w == 0 && n == changes/2 {
						stop() // the other replica goes on
					}
					if err := r.change(table, (w+n)%items); err != nil {
						r.Error(err)
						return
					}
				}
			})
		}
		writing.Wait()
		r.empties()
		last := map[string]int{}
		for _, id := range k.ids(r.T) {
			item, version := id[:1], 0
			version, err = strconv.Atoi(id[2:])
			require.NoError(r, err)
			require.Equal(r, last[item]+1, version, "item %s", item)
			last[item] = version
		}
		require.Len(r, k.ids(r.T), writers*changes)
	})
}

// change raises an item's version and writes the event "item.version".
func (r *rig) change(table string, item int) error {
	err := r.db.Tx(r.Context(), func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(r.Context(), `UPDATE `+table+` SET version = version + 1 WHERE id = $1 RETURNING version`,
			item).Scan(&version); err != nil {
			return err
		}
		return r.outbox.Write(r.Context(), tx, "events.contacts", event(fmt.Sprintf("%d.%d", item, version)))
	})
	r.outbox.Committed()
	return err
}

func TestATopicThatTakesNothingHoldsUpNoOther(t *testing.T) {
	backends(t, func(r *rig) {
		missing := true
		k := newTopic()
		k.answer = func(m Message) error {
			if missing && m.Topic == "events.missing" {
				return fmt.Errorf("%w: there is none", ErrTopic)
			}
			return nil
		}
		relay := r.relay(k)
		relay.holdSpan = 20 * time.Millisecond
		r.run(relay)
		for i := range 3 {
			require.NoError(r, r.db.Tx(r.Context(), func(tx *sql.Tx) error {
				return r.outbox.Write(r.Context(), tx, "events.missing", event("m"+strconv.Itoa(i)))
			}))
			r.write("e" + strconv.Itoa(i))
		}
		k.has(r.T, 3)
		require.Equal(r, []string{"e0", "e1", "e2"}, k.ids(r.T))
		k.mu.Lock()
		missing = false
		k.mu.Unlock()
		k.has(r.T, 6)
		require.Equal(r, []string{"m0", "m1", "m2"}, k.ids(r.T)[3:])
		r.empties()
	})
}

func TestARelayTellsWhatWaits(t *testing.T) {
	backends(t, func(r *rig) {
		k := newTopic()
		k.hold = make(chan struct{})
		r.writeMany(3)
		relay := r.metered(k)
		r.run(relay)
		require.Eventually(r, func() bool { return r.metric("staffetta_outbox_backlog_rows") == 3 }, wait, time.Millisecond)
		require.Equal(r, 1.0, r.metric("staffetta_outbox_leader"))
		require.Positive(r, r.metric("staffetta_outbox_oldest_seconds"))
		close(k.hold)
		require.Eventually(r, func() bool { return r.metric("staffetta_outbox_relayed_total") == 3 }, wait, time.Millisecond)
	})
}

func TestOnPostgreSQLACommitTellsTheRelayInWhateverProcess(t *testing.T) {
	backends(t, func(r *rig) {
		if r.db.Dialect != database.Postgres {
			r.Skip("SQLite has no notifications")
		}
		k := newTopic()
		relay := r.relay(k)
		relay.cfg.Poll = time.Hour
		r.run(relay)
		r.write("first")
		k.has(r.T, 1)
		require.Eventually(r, func() bool {
			var asleep bool
			require.NoError(r, r.db.QueryRowContext(r.Context(), fmt.Sprintf(`SELECT asleep FROM %s_relay`, r.outbox.prefix)).Scan(&asleep))
			return asleep
		}, wait, time.Millisecond)
		another, err := NewOutbox(r.outbox.prefix) // of another process, so to say
		require.NoError(r, err)
		for i := range 3 {
			require.NoError(r, r.db.Tx(r.Context(), func(tx *sql.Tx) error {
				return another.Write(r.Context(), tx, "events.contacts", event(fmt.Sprint("e", i)))
			}))
			k.has(r.T, i+2)
		}
	})
}

func TestOnPostgreSQLARowThatCommitsLateIsNotPassedOver(t *testing.T) {
	backends(t, func(r *rig) {
		if r.db.Dialect != database.Postgres {
			r.Skip("SQLite has one writer at a time")
		}
		k := newTopic()
		r.run(r.relay(k))
		slow, err := r.db.BeginTx(r.Context(), nil)
		require.NoError(r, err)
		defer func() { _ = slow.Rollback() }()
		require.NoError(r, r.outbox.Write(r.Context(), slow, "events.contacts", event("slow")))
		r.write("quick") // its id is higher
		k.has(r.T, 1)
		require.Equal(r, []string{"quick"}, k.ids(r.T))
		require.NoError(r, slow.Commit())
		k.has(r.T, 2)
		require.Equal(r, []string{"quick", "slow"}, k.ids(r.T))
		r.empties()
	})
}
