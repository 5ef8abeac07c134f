package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/demo"
)

// demo is the upstream of a cluster that is tried out: what `standalone --demo` does, from outside.
func (env Environment) demo() *cobra.Command {
	c := &cobra.Command{
		Use: "demo", Short: "Change items of the domain services every moment, and have that delivered", Args: noArguments,
	}
	c.Flags().String("listen", "127.0.0.1:9001", "address of health and metrics (STAFFETTA_LISTEN)")
	c.Flags().String("secret", "", "secret of its webhook, whsec_…; without it one that is derived from the admin key (STAFFETTA_WEBHOOK_SECRET)")
	url := c.Flags().String("url", "http://127.0.0.1:8080", "base URL of the API and of all domain services")
	receiver := c.Flags().String("receiver", "", "URL that its webhook leads to; without it a receiver of its own on this machine")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, log, err := env.settings("demo", env.local(c), telemetry.JSON)
		if err != nil {
			return err
		}
		d, err := demo.New(demo.Config{
			URL: *url, AdminKey: cfg.AdminKey, WebhookSecret: cfg.WebhookSecret, DeliverTo: *receiver, Log: log,
			Ready: func(a demo.Access) {
				log.Info("demo runs", zap.String("account", a.Account), zap.String("webhook", a.Webhook), zap.String("receiver", a.Receiver))
			},
			Delivered: func(d demo.Delivery) { fmt.Fprintln(env.Out, d) },
		})
		if err != nil {
			return err
		}
		return serveDemo(c.Context(), cfg, d, log)
	}
	c.AddCommand(env.demoDay())
	return c
}

// serveDemo runs it beside its health, until one of them ends.
func serveDemo(ctx context.Context, cfg config.Config, d *demo.Demo, log *zap.Logger) error {
	var health telemetry.Health
	health.Require("demo", d.Working)
	group, ctx := errgroup.WithContext(ctx)
	server, err := telemetry.Serve(ctx, cfg.Listen, telemetry.Handler(telemetry.NewRegistry(), &health), log)
	if err != nil {
		return err
	}
	group.Go(server.Wait)
	group.Go(func() error { return d.Run(ctx) })
	return group.Wait()
}

// local gives the flags of a command that is for trying things out; its address is on this machine only, unless
// flag or environment say otherwise.
func (env Environment) local(c *cobra.Command) map[string]string {
	flags := given(c, map[string]string{"listen": config.Listen, "secret": config.WebhookSecret})
	if _, ok := env.Lookup(config.Listen); !ok && flags[config.Listen] == "" {
		flags[config.Listen] = c.Flags().Lookup("listen").DefValue
	}
	return flags
}
