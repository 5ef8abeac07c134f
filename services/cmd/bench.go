package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/bench"
	"github.com/staffetta/staffetta/services/bench/receiver"
	"github.com/staffetta/staffetta/services/config"
)

// benchReceiver is the subcommand that bench starts as its receiver.
const benchReceiver = "bench-receiver"

// bench measures. Its hidden flag --cpuprofile FILE writes a CPU profile of the
// measured span, for `go tool pprof`.
func (env Environment) bench() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench SCENARIO",
		Short: "Measure all services in this process: " + strings.Join(bench.Scenarios(), ", "),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse{fmt.Errorf("one scenario is needed: %s", strings.Join(bench.Scenarios(), ", "))}
			}
			return nil
		},
	}
	flags := c.Flags()
	asJSON := flags.Bool("json", false, "print one JSON object")
	var cfg bench.Config
	flags.IntVar(&cfg.Events, "events", 0, "events to publish at full rate (default 20,000, or the scenario's own)")
	flags.IntVar(&cfg.Accounts, "accounts", 0, "accounts, which publish in turn (default 1, or the scenario's own)")
	flags.IntVar(&cfg.Webhooks, "webhooks", 0, "webhooks, spread over the accounts (default one for each)")
	flags.StringVar((*string)(&cfg.Payload), "payload", "", "payload of the webhooks: thin or full (default thin)")
	flags.Float64Var(&cfg.Rate, "rate", 0, "events a second of a steady flow (default 100)")
	flags.IntVar(&cfg.Seconds, "seconds", 0, "how long a steady flow is measured (default 30)")
	flags.IntVar(&cfg.Pairs, "pairs", 0, "how often is measured what has a median (default 5)")
	flags.IntSliceVar(&cfg.Fanout, "fanout", nil, "fanout: numbers of webhooks (default 10,1000)")
	flags.StringVar(&cfg.Variant, "variant", "", "neighbour: who is ill, and how, such as 500-10-of-20 (default hang-1-of-20)")
	flags.IntVar(&cfg.Backlog, "backlog", 0, "burst, backlog: events published at once, deliveries parked (default the scenario's own)")
	flags.IntVar(&cfg.Drain, "drain", 0, "burst, backlog: what their receiver takes a second; replay: its rate (default the scenario's own)")
	flags.BoolVar(&cfg.Direct, "direct", false, "burst: write it to deliveries as the router would, so that only reading is measured")
	flags.String("brokers", "", "brokers of a real Kafka (STAFFETTA_KAFKA_BROKERS); by default servers are embedded")
	flags.String("redis", "", "URL of a real Redis (STAFFETTA_REDIS_URL)")
	flags.String("database", "", "URL of a real database (STAFFETTA_DATABASE_URL)")
	profile := flags.String("cpuprofile", "", "file for a CPU profile of what is measured")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		overrides := given(c, map[string]string{
			"brokers": config.KafkaBrokers, "redis": config.RedisURL, "database": config.DatabaseURL,
		})
		if _, ok := env.Lookup(config.LogLevel); !ok {
			overrides[config.LogLevel] = "warn" // a start's good news would hide the result
		}
		settings, log, err := env.settings("bench", overrides, telemetry.Console)
		if err != nil {
			return err
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program, to start the receiver: %w", err)
		}
		cfg.Config, cfg.Scenario, cfg.Version = settings, args[0], env.Version
		cfg.Receiver, cfg.Log, cfg.Errors = []string{program, benchReceiver}, log, env.Err
		if *profile != "" {
			file, created := os.Create(*profile)
			if created != nil {
				return fmt.Errorf("profile: %w", created)
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			cfg.Profile = file
		}
		result, err := bench.Run(c.Context(), cfg)
		if err != nil {
			return err
		}
		write := result.WriteText
		if *asJSON {
			write = result.WriteJSON
		}
		if err := write(env.Out); err != nil {
			return err
		}
		if result.Lost > 0 {
			return fmt.Errorf("%d deliveries were lost", result.Lost)
		}
		return nil
	}
	// The flag is there: it was added above.
	_ = flags.MarkHidden("cpuprofile")
	c.AddCommand(env.benchChaos(), env.benchOutage())
	return c
}

// benchReceiver is the other end of bench, in a process of its own.
func (env Environment) benchReceiver() *cobra.Command {
	return &cobra.Command{
		Use: benchReceiver, Short: "Receive for bench, which starts it", Hidden: true, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return receiver.Serve(c.Context(), c.InOrStdin(), env.Out)
		},
	}
}
