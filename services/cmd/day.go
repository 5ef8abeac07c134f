package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/demo/day"
	"github.com/staffetta/staffetta/services/standalone"
)

// demoDay simulates a day of a chain of shops and tells whether all agrees at its end.
func (env Environment) demoDay() *cobra.Command {
	c := &cobra.Command{
		Use: "day", Short: "Live through a day at several stores, and compare what was answered, delivered, logged and kept", Args: noArguments,
	}
	var cfg day.Config
	flags := c.Flags()
	flags.StringVar(&cfg.URL, "url", "", "base URL of the API and of all domain services; by default a standalone is started for the day, in a folder that is deleted, on embedded servers or on those that the environment names")
	flags.StringVar(&cfg.Account, "account", "", "account to make (default day- and the time)")
	flags.IntVar(&cfg.Changes, "changes", 0, "how many items are created, changed or deleted (default 10,000)")
	flags.IntVar(&cfg.Stores, "stores", 0, "how many stores there are (default 4)")
	flags.Uint64Var(&cfg.Seed, "seed", 1, "seed of everything that chance decides")
	flags.StringVar(&cfg.Date, "date", "", "day, YYYY-MM-DD (default today)")
	flags.StringVar(&cfg.Receiver, "receiver", "", "address to receive on (default 127.0.0.1 and a free port)")
	flags.DurationVar(&cfg.Patience, "patience", 0, "how long nothing may arrive before the rest is given up (default 1m)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		run := env.dayOfItsOwn
		if cfg.URL != "" {
			run = env.dayAt
		}
		summary, err := run(c, cfg)
		if err != nil {
			return err
		}
		if err := summary.WriteJSON(env.Out); err != nil {
			return err
		}
		if summary.Disagreements > 0 {
			return fmt.Errorf("%d disagreements", summary.Disagreements)
		}
		return nil
	}
	return c
}

// dayAt is a day at an installation that runs.
func (env Environment) dayAt(c *cobra.Command, cfg day.Config) (day.Summary, error) {
	settings, log, err := env.settings("demo", nil, telemetry.Console)
	if err != nil {
		return day.Summary{}, err
	}
	cfg.AdminKey, cfg.Log = settings.AdminKey, log
	return day.Run(c.Context(), cfg)
}

// dayOfItsOwn starts a standalone for the day, and ends it.
func (env Environment) dayOfItsOwn(c *cobra.Command, cfg day.Config) (summary day.Summary, err error) {
	overrides := map[string]string{config.Listen: "127.0.0.1:0"}
	if _, ok := env.Lookup(config.LogLevel); !ok {
		overrides[config.LogLevel] = "warn" // a start's good news would hide the result
	}
	settings, log, err := env.settings("standalone", overrides, telemetry.Console)
	if err != nil {
		return summary, err
	}
	folder, err := os.MkdirTemp("", "staffetta-day-")
	if err != nil {
		return summary, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if settings.AdminKey == "" {
		settings.AdminKey = rand.Text() + rand.Text()
	}
	cfg.AdminKey, cfg.Log = settings.AdminKey, log
	ready := make(chan string, 1)
	group, ctx := errgroup.WithContext(c.Context())
	ctx, end := context.WithCancel(ctx)
	group.Go(func() error {
		return standalone.Run(ctx, standalone.Config{
			Config: settings, DataDir: folder, KafkaListen: "127.0.0.1:0", Version: env.Version, Log: log, Out: io.Discard,
			Ready: func(url string) { ready <- url },
		})
	})
	group.Go(func() (err error) {
		defer end()
		select {
		case cfg.URL = <-ready:
			summary, err = day.Run(ctx, cfg)
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	err = group.Wait()
	return summary, err
}
