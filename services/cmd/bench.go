package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/hook"
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
	events := flags.Int("events", 20_000, "events to publish")
	accounts := flags.Int("accounts", 1, "accounts, which publish in turn")
	webhooks := flags.Int("webhooks", 0, "webhooks, spread over the accounts (default one for each)")
	payload := flags.String("payload", string(hook.Thin), "payload of the webhooks: thin or full")
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
		cfg := bench.Config{
			Config: settings, Scenario: args[0], Events: *events, Accounts: *accounts, Webhooks: *webhooks,
			Payload: hook.Payload(*payload), Receiver: []string{program, benchReceiver},
			Version: env.Version, Log: log, Errors: env.Err,
		}
		if !c.Flags().Changed("webhooks") {
			cfg.Webhooks = *accounts
		}
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
