package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/listen"
)

func (env Environment) listen() *cobra.Command {
	c := &cobra.Command{
		Use: "listen", Short: "Receive deliveries, verify and print them", Args: noArguments,
	}
	c.Flags().String("listen", "127.0.0.1:9000", "address to receive on (STAFFETTA_LISTEN)")
	c.Flags().String("secret", "", "secret of the webhook (whsec_…, or whpk_… of ed25519), or token of the formats rentman and cassa-in-cloud; without it nothing is verified (STAFFETTA_WEBHOOK_SECRET)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, log, err := env.settings("listen", env.local(c), telemetry.Console)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(c.Context())
		defer cancel()
		server, err := telemetry.Serve(ctx, cfg.Listen, listen.Handler(&listen.Receiver{Secret: cfg.WebhookSecret, Out: env.Out}), log)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Out, "receiving on http://%s (any path); Ctrl-C ends\n\n", server.Addr())
		return server.Wait()
	}
	return c
}
