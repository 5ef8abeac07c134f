// Upstream is a small upstream service in Go: it keeps contacts in a table of its
// own, and publishes every change by an outbox.
//
//	GOWORK=off go run . -account demo sqlite:shop.db 127.0.0.1:19092 <<<"Mario Rossi"
//
// Each line of standard input is a contact: its name. One that is there already
// is updated. With -pgx the changes are transactions of pgx, else of
// database/sql. It ends when all events are in Kafka.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/publish"
)

func main() {
	account := flag.String("account", "demo", "the account whose contacts these are")
	byPgx := flag.Bool("pgx", false, "change contacts in transactions of pgx (PostgreSQL only)")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: upstream [-account ID] [-pgx] DATABASE_URL BROKERS <names")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *account, *byPgx, flag.Arg(0), strings.Split(flag.Arg(1), ",")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, account string, byPgx bool, url string, brokers []string) error {
	db, err := database.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	outbox, err := publish.NewOutbox("shop")
	if err != nil {
		return err
	}
	if err := outbox.Migrate(ctx, db); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS shop_contacts (
		name TEXT PRIMARY KEY, id BIGINT NOT NULL, version BIGINT NOT NULL)`); err != nil {
		return err
	}

	publisher, err := publish.Dial(publish.Config{Brokers: brokers, ClientID: "shop"})
	if err != nil {
		return err
	}
	relay, err := publish.NewRelay(publish.RelayConfig{DB: db, Outbox: outbox, Producer: publisher})
	if err != nil {
		return err
	}
	relaying, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(relaying) }()

	s := shop{db: db, outbox: outbox, account: account}
	if byPgx {
		if db.Dialect != database.Postgres {
			return errors.New("-pgx needs PostgreSQL")
		}
		if s.pool, err = pgxpool.New(ctx, url); err != nil {
			return err
		}
		defer s.pool.Close()
	}
	err = s.saveAll(ctx)

	// In this order: the relay waits for what is on its way.
	end()
	err = errors.Join(err, <-ended)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, publisher.Close(closing))
}

// saveAll saves the contacts of standard input, and waits until their events
// are out.
func (s shop) saveAll(ctx context.Context) error {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		save := s.save
		if s.pool != nil {
			save = s.savePgx
		}
		id, err := save(ctx, strings.TrimSpace(lines.Text()))
		if err != nil {
			return err
		}
		fmt.Printf("/contacts/%d\n", id)
	}
	for {
		var waiting int
		if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM shop_outbox WHERE refused IS NULL`).Scan(&waiting); err != nil {
			return err
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d events wait for the next run: %w", waiting, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
