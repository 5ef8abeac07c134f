package publish_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/publish"
)

// exampleKafka is an embedded Kafka with the topic events.contacts.
func exampleKafka(ctx context.Context) (brokers []string, stop func(), err error) {
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
	if err != nil {
		return nil, nil, err
	}
	client, err := bus.Dial(bus.Config{Brokers: []string{kafka.Addr()}})
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	return []string{kafka.Addr()}, kafka.Close, client.EnsureTopics(ctx, []bus.TopicSpec{
		{Name: "events.contacts", Partitions: 4, Retention: time.Hour, MaxMessageBytes: 1 << 20},
	}, 1)
}

// An event straight to Kafka, and one that breaks the rules.
func ExamplePublisher_Publish() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	brokers, stop, err := exampleKafka(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	publisher, err := publish.Dial(publish.Config{Brokers: brokers, ClientID: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := publish.Event{
		Account: "acme", Type: publish.Update, ItemType: "Contact",
		Items: []publish.Item{{ID: "12014", Ref: "/contacts/12014", Version: new(int64(4)), Data: []byte(`{"name": "Mario Rossi"}`)}},
	}
	fmt.Println(publisher.Publish(ctx, "events.contacts", e))

	e.Type = "changed"
	fmt.Println(publisher.Publish(ctx, "events.contacts", e))
	fmt.Println(publisher.Close(ctx))
	// Output:
	// <nil>
	// publish: eventType must be create, update or delete, not "changed"
	// <nil>
}

// A change and its event in one transaction, and the relay that takes the event
// to Kafka.
func ExampleOutbox_Write() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	brokers, stop, err := exampleKafka(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	folder, err := os.MkdirTemp("", "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(folder, "shop.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	outbox, err := publish.NewOutbox("shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := outbox.Migrate(ctx, db); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE shop_contacts (id BIGINT PRIMARY KEY, name TEXT NOT NULL)`); err != nil {
		fmt.Println(err)
		return
	}
	publisher, err := publish.Dial(publish.Config{Brokers: brokers})
	if err != nil {
		fmt.Println(err)
		return
	}
	relay, err := publish.NewRelay(publish.RelayConfig{DB: db, Outbox: outbox, Producer: publisher})
	if err != nil {
		fmt.Println(err)
		return
	}
	relaying, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(relaying) }()

	err = db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_contacts (id, name) VALUES (7, 'Mario Rossi')`); err != nil {
			return err
		}
		return outbox.Write(ctx, tx, "events.contacts", publish.Event{
			Account: "acme", Type: publish.Create, ItemType: "Contact",
			Items: []publish.Item{{ID: "7", Ref: "/contacts/7"}},
		})
	})
	outbox.Committed()
	fmt.Println("written:", err)

	for waiting := -1; waiting != 0 && ctx.Err() == nil; {
		_ = db.QueryRowContext(ctx, `SELECT count(*) FROM shop_outbox`).Scan(&waiting)
	}
	fmt.Println("relayed:", ctx.Err())
	end()
	fmt.Println("ended:", <-ended, publisher.Close(ctx))
	// Output:
	// written: <nil>
	// relayed: <nil>
	// ended: <nil> <nil>
}

// The same in a transaction of pgx: the commit tells the relay.
func ExampleOutbox_WritePgx() {
	save := func(ctx context.Context, conn *pgx.Conn, outbox *publish.Outbox) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE shop_contacts SET name = $1 WHERE id = $2`, "Mario Rossi", 7); err != nil {
				return err
			}
			return outbox.WritePgx(ctx, tx, "events.contacts", publish.Event{
				Account: "acme", Type: publish.Update, ItemType: "Contact",
				Items: []publish.Item{{ID: "7", Ref: "/contacts/7"}},
			})
		})
	}
	_ = save
}
