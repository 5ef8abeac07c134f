// Package bench measures an installation: all services in this process, on
// embedded servers or on real ones, and a receiver in a process of its own.
// Accounts and webhooks are made over the management API and events are
// published to Kafka, as users do; nothing is short-circuited.
//
// Each scenario is a file and a row of scenarios.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	// Scenario is one of Scenarios. What follows, up to Receiver, has the
	// scenario's own default if it is 0 or empty.
	Scenario string
	// Events to publish while the clock runs at full rate, at least 1. Default
	// 20,000.
	Events int
	// Accounts take turns in publishing, at least 1. Default 1.
	Accounts int
	// Webhooks are spread evenly over the accounts, at least 1 each. Default one
	// each.
	Webhooks int
	// Payload of the webhooks, whose format is standard. Default thin.
	Payload hook.Payload
	// Rate is the events a second of a steady flow. Default 100.
	Rate float64
	// Seconds that a steady flow is measured. Default 30.
	Seconds int
	// Pairs is how often things that are compared are measured, in turns; their
	// medians are told. Default 5.
	Pairs int
	// Fanout is the numbers of webhooks of the scenario fanout. Default 10 and
	// 1,000.
	Fanout []int
	// Variant of the scenario neighbour; see Variant. Default hang-1-of-20.
	Variant string
	// Backlog is the events that the scenario burst publishes at once, or the
	// deliveries that the scenario backlog parks.
	Backlog int
	// Drain is what the receiver of the backlog takes a second, or the rate of the
	// scenario replay, at most hook.MaxReplayRate.
	Drain int
	// Direct makes the scenario burst write to the topic deliveries itself, as the
	// router would, so that the sender's reading is measured alone.
	Direct bool
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

// scenario is one way to put load on an installation.
type scenario struct {
	name string
	run  func(ctx context.Context, cfg Config, r *receiver.Process) (Result, error)
	// defaults for what the configuration leaves out, where they differ from
	// those of Config.
	defaults Config
}

var scenarios = []scenario{
	{name: "throughput", run: throughput},
	{name: "latency", run: latency},
	{name: "fanout", run: fanout},
	{name: "filters", run: filters, defaults: Config{Webhooks: 1000}},
	{name: "neighbour", run: neighbour},
	{name: "burst", run: burst, defaults: Config{Accounts: 20, Backlog: 200_000, Drain: 1_000}},
	{name: "replay", run: replay, defaults: Config{Events: 100_000, Drain: 500}},
	{name: "subscriptions", run: subscriptions, defaults: Config{Accounts: 10_000, Webhooks: 1_000_000, Rate: 500, Seconds: 20}},
	{name: "backlog", run: backlog, defaults: Config{Accounts: 20, Backlog: 500_000, Drain: 500}},
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
	chosen, err := cfg.choose()
	if err != nil {
		return Result{}, err
	}
	cfg = cfg.or(chosen.defaults).or(defaults)
	cfg.Webhooks = cmp.Or(cfg.Webhooks, cfg.Accounts)
	if err := cfg.check(); err != nil {
		return Result{}, err
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
