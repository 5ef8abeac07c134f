// Package bench measures an installation: all services in this process, on
// embedded servers or on real ones, and a receiver in a process of its own.
// Accounts and webhooks are made over the management API and events are
// published to Kafka, as users do; nothing is short-circuited.
//
// Each scenario is a file and a row of scenarios.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
	"github.com/staffetta/staffetta/services/config"
)

// Config of a benchmark.
type Config struct {
	// Config of the services. With Kafka, Redis and database these are used,
	// with none of them embedded ones in a temporary folder. No other Staffetta
	// may run on the same servers: it would take part of the work.
	config.Config
	// Scenario is one of Scenarios.
	Scenario string
	// Events to publish while the clock runs, at least 1.
	Events int
	// Accounts take turns in publishing, at least 1.
	Accounts int
	// Webhooks are spread evenly over the accounts, at least 1 each.
	Webhooks int
	// Payload of the webhooks, whose format is standard.
	Payload hook.Payload
	// Receiver is the command, with its arguments, whose process calls
	// receiver.Serve.
	Receiver []string
	// Profile gets a CPU profile of what is measured; nil: none is made.
	Profile io.Writer
	// Patience is how long nothing may arrive before the rest is given up as
	// lost. Default 60 s.
	Patience time.Duration
	// Version of the program.
	Version string
	Log     *zap.Logger
	// Errors is where the receiver's process writes what goes wrong there.
	Errors io.Writer
}

// defaultPatience is four times the 15 s that one attempt may last.
const defaultPatience = 60 * time.Second

// scenario is one way to put load on an installation.
type scenario struct {
	name string
	run  func(ctx context.Context, cfg Config, r *receiver.Process) (Result, error)
}

var scenarios = []scenario{
	{"throughput", throughput},
}

// Scenarios are the names of all scenarios.
func Scenarios() []string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}
	return names
}

// Run runs a scenario. A result in which something was lost is no error. The
// error of a bad configuration is hook.Invalid.
func Run(ctx context.Context, cfg Config) (result Result, err error) {
	chosen, err := cfg.check()
	if err != nil {
		return Result{}, err
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	// The process outlives ctx by as long as its last answers take.
	r, err := receiver.Start(context.WithoutCancel(ctx), cfg.Errors, cfg.Receiver...)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	result, err = chosen.run(ctx, cfg, r)
	if err != nil {
		return Result{}, fmt.Errorf("bench %s: %w", cfg.Scenario, err)
	}
	result.Scenario = cfg.Scenario
	return result, nil
}

func (cfg Config) check() (scenario, error) {
	var (
		faults hook.Invalid
		chosen scenario
	)
	for _, s := range scenarios {
		if s.name == cfg.Scenario {
			chosen = s
		}
	}
	if chosen.run == nil {
		faults.Add("scenario", cfg.Scenario, "must be one of "+strings.Join(Scenarios(), ", "))
	}
	if cfg.Events < 1 {
		faults.Add("events", strconv.Itoa(cfg.Events), "must be at least 1")
	}
	if cfg.Accounts < 1 {
		faults.Add("accounts", strconv.Itoa(cfg.Accounts), "must be at least 1")
	}
	if cfg.Webhooks < cfg.Accounts {
		faults.Add("webhooks", strconv.Itoa(cfg.Webhooks), "must be at least one for each account")
	}
	if cfg.Payload != hook.Thin && cfg.Payload != hook.Full {
		faults.Add("payload", string(cfg.Payload), "must be thin or full")
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
	return chosen, faults.Err()
}
