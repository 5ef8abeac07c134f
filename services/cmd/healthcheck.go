package cmd

import (
	"net"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/config"
)

// healthcheck is what a container's health check runs: the image holds no other program.
func (env Environment) healthcheck() *cobra.Command {
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask the service of this container whether it is ready (exit status 0 or 1)", Args: noArguments,
	}
	c.Flags().String("listen", ":8080", "address that the service listens on (STAFFETTA_LISTEN)")
	url := c.Flags().String("url", "", "URL to ask instead, which answers 200 if all is well")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *url != "" {
			return telemetry.Ask(c.Context(), *url)
		}
		cfg, err := config.Load("healthcheck", env.Lookup, given(c, map[string]string{"listen": config.Listen}))
		if err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(cfg.Listen)
		if err != nil {
			return err
		}
		if host == "" || net.ParseIP(host).IsUnspecified() {
			host = "127.0.0.1"
		}
		return telemetry.Ask(c.Context(), "http://"+net.JoinHostPort(host, port)+"/readyz")
	}
	return c
}
