package publish_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/publish"
)

// shop is an upstream service's database, with its outbox.
type shop struct {
	*testing.T
	url    string
	prefix string
	db     *database.DB
	outbox *publish.Outbox
}

// newShop is on the PostgreSQL that STAFFETTA_TEST_DATABASE names, else on SQLite.
func newShop(t *testing.T) shop {
	t.Helper()
	s := shop{T: t, url: os.Getenv("STAFFETTA_TEST_DATABASE"), prefix: "s" + strings.ReplaceAll(uuid.NewString(), "-", "")[:20]}
	if s.url == "" {
		s.url = "sqlite:" + filepath.Join(t.TempDir(), "shop.db")
	}
	var err error
	s.db, err = database.Open(patient(t), s.url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.outbox, err = publish.NewOutbox(s.prefix)
	require.NoError(t, err)
	require.NoError(t, s.outbox.Migrate(patient(t), s.db))
	return s
}

func (s shop) write(topic string, events ...publish.Event) {
	s.Helper()
	require.NoError(s, s.db.Tx(patient(s), func(tx *sql.Tx) error {
		return s.outbox.Write(patient(s), tx, topic, events...)
	}))
	s.outbox.Committed()
}

func (s shop) rows(where string) (n int) {
	s.Helper()
	require.NoError(s, s.db.QueryRowContext(patient(s), `SELECT count(*) FROM `+s.prefix+`_outbox WHERE `+where).Scan(&n))
	return n
}

func (s shop) empties() {
	s.Helper()
	require.Eventually(s, func() bool { return s.rows("refused IS NULL") == 0 }, patience, 5*time.Millisecond)
}

// relays runs a relay until the end of the test.
func (s shop) relays(p publish.Producer) {
	s.Helper()
	relay, err := publish.NewRelay(publish.RelayConfig{DB: s.db, Outbox: s.outbox, Producer: p})
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		require.NoError(s, <-ended)
	})
}

// TestRelayProcess is no test: it is a relay in a process that can be killed.
func TestRelayProcess(t *testing.T) {
	args := strings.Split(os.Getenv("STAFFETTA_TEST_RELAY"), " ")
	if len(args) != 3 {
		t.Skip("not the process of another test")
	}
	db, err := database.Open(t.Context(), args[0])
	require.NoError(t, err)
	outbox, err := publish.NewOutbox(args[1])
	require.NoError(t, err)
	p, err := publish.Dial(publish.Config{Brokers: strings.Split(args[2], ",")})
	require.NoError(t, err)
	relay, err := publish.NewRelay(publish.RelayConfig{DB: db, Outbox: outbox, Producer: p, Lease: 500 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, relay.Run(context.Background()))
}

// process starts a relay in a process of its own.
func (s shop) process(k kafka) *exec.Cmd {
	s.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^TestRelayProcess$")
	cmd.Env = append(os.Environ(), "STAFFETTA_TEST_RELAY="+s.url+" "+s.prefix+" "+strings.Join(k.brokers, ","))
	require.NoError(s, cmd.Start())
	s.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestALeaderThatIsKilledInTheMiddleLosesNothingAndRepeatsOnlyWhatWasOnItsWay(t *testing.T) {
	t.Parallel()
	k, s := newKafka(t), newShop(t)
	const accounts, changes, most = 5, 600, 3000
	for n := range changes {
		events := make([]publish.Event, accounts)
		for a := range events {
			events[a] = contact("1")
			events[a].Account, events[a].ID = fmt.Sprint("account-", a), fmt.Sprint("change-", n)
		}
		s.write(k.topic, events...)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(k.brokers...), kgo.ConsumeTopics(k.topic))
	require.NoError(t, err)
	defer reader.Close()
	var records []*kgo.Record
	poll := func() {
		fetches := reader.PollFetches(patient(t))
		require.NoError(t, fetches.Err())
		records = append(records, fetches.Records()...)
	}

	leader := s.process(k)
	poll() // something is in Kafka, so it is in the middle
	s.process(k)
	require.NoError(t, leader.Process.Kill())
	_ = leader.Wait()
	s.empties()

	seen, next := map[string]bool{}, map[string]int{}
	for at := 0; len(seen) < accounts*changes; at++ {
		for at == len(records) {
			poll()
		}
		e, err := codec.Decode(codec.Input{Value: records[at].Value})
		require.NoError(t, err)
		if id := e.Account + "/" + e.ID; !seen[id] {
			seen[id] = true
			require.Equal(t, fmt.Sprint("change-", next[e.Account]), e.ID, "the first time in order")
			next[e.Account]++
		}
	}
	require.LessOrEqual(t, len(records), accounts*changes+most)
}

func TestEventsWaitWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	k, s := kafka{T: t, brokers: []string{server.Addr()}, topic: "events.away"}, newShop(t)
	k.create(k.topic, 1<<20)
	server.Close()
	s.relays(k.publisher(publish.Config{}))
	for n := range 5 {
		s.write(k.topic, contact(fmt.Sprint(n)))
	}
	require.Equal(t, 5, s.rows("refused IS NULL"))
	require.NoError(t, server.Restart())
	s.empties()
	for n, r := range k.read(5) {
		require.Contains(t, string(r.Value), fmt.Sprintf(`"/contacts/%d"`, n))
	}
}

func TestAnEventThatKafkaRefusesIsSetAsideWithTheReason(t *testing.T) {
	t.Parallel()
	k, s := newKafka(t), newShop(t)
	k.topic += "-small"
	k.create(k.topic, 2000)
	large := contact("1")
	large.Items[0].Data = []byte(`"` + strings.Repeat("x", 4000) + `"`)
	s.write(k.topic, contact("0"), large, contact("2"))
	s.relays(k.publisher(publish.Config{}))
	s.empties()
	for n, r := range k.read(2) {
		require.Contains(t, string(r.Value), fmt.Sprintf(`"/contacts/%d"`, 2*n))
	}
	var reason string
	require.NoError(t, s.db.QueryRowContext(patient(t), `SELECT refused FROM `+s.prefix+`_outbox`).Scan(&reason))
	require.Contains(t, reason, `bytes for topic "`+k.topic+`": record is larger than the topic allows`)

	// Once the topic takes it, whoever looks after it lets it go.
	k.create(k.topic, 1<<20)
	_, err := s.db.ExecContext(patient(t), `UPDATE `+s.prefix+`_outbox SET refused = NULL`)
	require.NoError(t, err)
	s.empties()
	k.read(3)
}

func TestATopicThatIsMadeLaterGetsWhatWaitedForIt(t *testing.T) {
	t.Parallel()
	k, s := newKafka(t), newShop(t)
	late := k
	late.topic += "-late"
	s.write(late.topic, contact("1"))
	s.write(k.topic, contact("2"))
	s.relays(k.publisher(publish.Config{}))
	k.read(1)
	require.Eventually(t, func() bool { return s.rows("refused IS NULL") == 1 }, patience, 5*time.Millisecond)
	late.create(late.topic, 1<<20)
	late.read(1)
	s.empties()
}

func TestInATransactionOfPgxTheEventIsThereIfTheChangeIs(t *testing.T) {
	t.Parallel()
	k, s := newKafka(t), newShop(t)
	if s.db.Dialect != database.Postgres {
		t.Skip("pgx speaks to PostgreSQL: set STAFFETTA_TEST_DATABASE")
	}
	conn, err := pgx.Connect(patient(t), s.url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(patient(t)) }()
	write := func(id string, then error) error {
		return pgx.BeginFunc(patient(t), conn, func(tx pgx.Tx) error {
			return errors.Join(s.outbox.WritePgx(patient(t), tx, k.topic, contact(id)), then)
		})
	}
	s.relays(k.publisher(publish.Config{}))
	undo := errors.New("undo")
	require.ErrorIs(t, write("1", undo), undo)
	require.NoError(t, write("2", nil)) // nobody calls Committed
	require.Contains(t, string(k.read(1)[0].Value), `"/contacts/2"`)

	var reject *publish.Reject
	require.ErrorAs(t, pgx.BeginFunc(patient(t), conn, func(tx pgx.Tx) error {
		return s.outbox.WritePgx(patient(t), tx, k.topic, contact("3"), contact(""))
	}), &reject)
	require.Equal(t, "[1].items[0].id", reject.Faults[0].Field)
	s.empties()
}
