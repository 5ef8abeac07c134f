// Package chaos shows that an installation survives what happens to its parts.
// All services run as processes of their own, several of each, under a steady
// load; in each round a part of the installation is killed, restarted or
// flushed. In the end everything must have been delivered, nothing repeated but
// what a kill explains, the log complete, and usage what the log says.
//
// The installation stands on embedded servers in this process or on real ones,
// and the receivers are in this process, so that one clock tells what a
// receiver had answered when a part was killed.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/config"
)

// Config of a run.
type Config struct {
	// Config names real servers, Kafka's brokers, Redis and the database; with
	// none of them they are embedded, in a temporary folder. No other Staffetta
	// may run on the same servers.
	config.Config
	// Rounds is how often something happens to a part, at least 1.
	Rounds int
	// Outage takes one server away for a while instead; nil: rounds.
	Outage *Outage
	// Seed makes the order in which it happens.
	Seed uint64
	// Rate is events per second, 1 to 10,000.
	Rate int
	// Within is how long before a kill -9 an answer may have been given whose
	// request is repeated. Default 50 ms, as the product promises.
	Within time.Duration
	// Program is staffetta, with leading arguments. The services inherit the
	// environment of this process, and Environment ("NAME=value") beside it.
	Program     []string
	Environment []string
	// Servers is the program that stops and starts real servers: it gets
	// "stop NAME", "stop NAME --kill" and "start NAME". Empty: nothing happens to
	// Kafka and PostgreSQL, and Redis is only flushed.
	Servers string
	// Only are the strokes that may happen, such as "sender kill"; empty: all.
	Only []string
	// Logs is the folder for the logs of the services. Empty: a temporary one,
	// which is kept if something was wrong.
	Logs string
	// Patience is how long nothing may arrive in the end before the rest is given
	// up as lost. Default 20 minutes: a task may be deferred by 15.
	Patience time.Duration
	// Progress gets a line for each round.
	Progress io.Writer
	Log      *zap.Logger
}

const (
	defaultWithin = 50 * time.Millisecond
	// defaultPatience is more than the 15 minutes by which a task is deferred at most.
	defaultPatience = 20 * time.Minute
	// recovery bounds how long a round waits for all to be healthy.
	recovery = 20 * time.Second
	// maxRate is far above what the receivers, which remember every request, are for.
	maxRate = 10_000
)

// Run does what cfg says. A result that is not as it should be is no error: see
// Result.Fault. The error of a bad configuration is hook.Invalid.
func Run(ctx context.Context, cfg Config) (result Result, err error) {
	if err := cfg.check(); err != nil {
		return Result{}, err
	}
	if cfg.Within == 0 {
		cfg.Within = defaultWithin
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	temporary := cfg.Logs == ""
	if temporary {
		cfg.Logs, err = os.MkdirTemp("", "staffetta-chaos-*")
	} else {
		err = os.MkdirAll(cfg.Logs, 0o755)
	}
	if err != nil {
		return Result{}, fmt.Errorf("chaos: folder of the logs: %w", err)
	}
	r := &run{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0))}
	err = r.all(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("chaos with seed %d: %w (logs are in %s)", cfg.Seed, err, cfg.Logs)
	}
	if temporary && r.result.Fault() == nil {
		r.result.Logs = ""
		err = os.RemoveAll(cfg.Logs)
	}
	return r.result, err
}

func (cfg Config) check() error {
	var faults hook.Invalid
	if o := cfg.Outage; o != nil && o.For < time.Second {
		faults.Add("seconds", strconv.FormatFloat(o.For.Seconds(), 'f', -1, 64), "must be at least 1")
	} else if o == nil && cfg.Rounds < 1 {
		faults.Add("rounds", strconv.Itoa(cfg.Rounds), "must be at least 1")
	}
	if cfg.Rate < 1 || cfg.Rate > maxRate {
		faults.Add("rate", strconv.Itoa(cfg.Rate), "must be from 1 to "+strconv.Itoa(maxRate))
	}
	if cfg.Within < 0 {
		faults.Add("within", cfg.Within.String(), "must not be negative")
	}
	if len(cfg.Program) == 0 {
		faults.Add("program", "", "must be given")
	}
	named := 0
	for _, set := range []bool{len(cfg.Kafka.Brokers) > 0, cfg.RedisURL != "", cfg.DatabaseURL != ""} {
		if set {
			named++
		}
	}
	if named != 0 && named != 3 {
		faults.Add("servers", "", "must be named all three, Kafka's brokers, Redis and the database, or none of them")
	}
	if cfg.Servers != "" && named == 0 {
		faults.Add("servers", cfg.Servers, "has no effect on embedded servers")
	}
	return faults.Err()
}

// checkOnly refuses names of strokes that these servers do not know.
func checkOnly(base servers, only []string) error {
	var (
		faults hook.Invalid
		names  []string
	)
	for _, s := range strokes(base, nil) {
		names = append(names, s.String())
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			faults.Add("only", name, "must be one of "+strings.Join(names, ", "))
		}
	}
	return faults.Err()
}

// run is one run, while it lasts.
type run struct {
	cfg    Config
	random *rand.Rand
	in     *installation
	ledger *ledger
	blows  []blow
	result Result
}

// all sets everything up, lets it run, and takes it down in reverse order.
func (r *run) all(ctx context.Context) (err error) {
	base, err := openServers(&r.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.close()) }()
	if err := errors.Join(checkOnly(base, r.cfg.Only), checkOutage(base, r.cfg.Outage)); err != nil {
		return err
	}
	if r.in, err = install(ctx, &r.cfg, base); err != nil {
		return err
	}
	defer func() { r.in.killAll() }()
	r.ledger = newLedger(time.Now())
	receivers, err := receive(ctx, r.ledger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receivers.close()) }()
	tenants, err := r.in.populate(ctx, receivers.url)
	defer func() {
		if err != nil {
			// Else real servers would keep tasks that the next run cannot sign. The run
			// has failed already.
			_ = r.in.remove(context.WithoutCancel(ctx), tenants)
		}
	}()
	if err != nil {
		return err
	}
	publisher, err := r.in.publish(ctx, r.ledger, tenants, r.cfg.Rate)
	if err != nil {
		return err
	}
	defer publisher.close()
	if r.cfg.Outage != nil {
		err = r.outage(ctx, tenants)
	} else {
		err = r.rounds(ctx)
	}
	if err != nil {
		return err
	}
	if err := publisher.finish(ctx, r.cfg.Patience); err != nil {
		return err
	}
	return r.conclude(ctx, tenants, publisher)
}
