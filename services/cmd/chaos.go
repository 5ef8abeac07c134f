package cmd

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/bench/chaos"
	"github.com/staffetta/staffetta/services/config"
)

// benchChaos is the scenario of bench that runs its services as processes.
func (env Environment) benchChaos() *cobra.Command {
	c := &cobra.Command{
		Use: "chaos", Short: "Kill, restart and flush parts of an installation under load; nothing may be lost", Args: noArguments,
	}
	flags := c.Flags()
	rounds := flags.Int("rounds", 15, "how often something happens to a part")
	seed := flags.Uint64("seed", 0, "order in which it happens (default by chance, and printed)")
	within := flags.Duration("within", 50*time.Millisecond, "how long before a kill an answer may have been given whose request is repeated")
	only := flags.StringSlice("only", nil, "what may happen, such as \"sender kill\" (default everything)")
	run := env.installed(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("seed") {
			*seed = chance()
		}
		fmt.Fprintf(env.Err, "staffetta bench chaos --seed %d\n", *seed)
		return run(chaos.Config{Rounds: *rounds, Seed: *seed, Within: *within, Only: *only})
	}
	return c
}

// benchOutage is the one in which a server is away once.
func (env Environment) benchOutage() *cobra.Command {
	c := &cobra.Command{
		Use: "outage", Short: "Stop a server for a while under load; deliveries go on, and the log and usage catch up", Args: noArguments,
	}
	flags := c.Flags()
	server := flags.String("server", "postgres", "which: postgres or redis")
	seconds := flags.Int("seconds", 60, "for how long; it is measured for as long before")
	run := env.installed(c)
	c.RunE = func(*cobra.Command, []string) error {
		return run(chaos.Config{Outage: &chaos.Outage{Server: *server, For: time.Duration(*seconds) * time.Second}})
	}
	return c
}

// installed adds the flags of scenarios with an installation of its own, and runs one.
func (env Environment) installed(c *cobra.Command) (run func(chaos.Config) error) {
	flags := c.Flags()
	asJSON := flags.Bool("json", false, "print one JSON object")
	rate := flags.Int("rate", 200, "events per second")
	logs := flags.String("logs", "", "folder for the services' logs (default a temporary one, kept if something was wrong)")
	servers := flags.String("servers", "", "program that stops and starts real servers: .ci/servers")
	flags.String("brokers", "", "brokers of a real Kafka (STAFFETTA_KAFKA_BROKERS); by default servers are embedded")
	flags.String("redis", "", "URL of a real Redis (STAFFETTA_REDIS_URL)")
	flags.String("database", "", "URL of a real database (STAFFETTA_DATABASE_URL)")
	return func(cfg chaos.Config) error {
		overrides := given(c, map[string]string{
			"brokers": config.KafkaBrokers, "redis": config.RedisURL, "database": config.DatabaseURL,
		})
		if _, ok := env.Lookup(config.LogLevel); !ok {
			overrides[config.LogLevel] = "error" // that servers go away is what is wanted
		}
		settings, log, err := env.settings("bench", overrides, telemetry.Console)
		if err != nil {
			return err
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program, to start the services: %w", err)
		}
		cfg.Config, cfg.Rate, cfg.Logs, cfg.Servers = settings, *rate, *logs, *servers
		cfg.Program, cfg.Progress, cfg.Log = []string{program}, env.Err, log
		result, err := chaos.Run(c.Context(), cfg)
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
		return result.Fault()
	}
}

// chance is a seed that is short enough to be typed again.
func chance() uint64 {
	var b [2]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program first
	return uint64(binary.BigEndian.Uint16(b[:]))
}
