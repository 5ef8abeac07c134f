package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/config"
	"github.com/staffetta/staffetta/services/standalone"
)

// services are the subcommands that run one service each.
func (env Environment) services() []*cobra.Command {
	var commands []*cobra.Command
	for _, s := range []struct {
		name, short string
		build       func(*assembly.Parts, context.Context) (assembly.Component, error)
	}{
		{"api", "Run the management API, the portal and REST ingest", (*assembly.Parts).API},
		{"router", "Run a router: matches changes against webhooks", (*assembly.Parts).Router},
		{"sender", "Run a sender: signs and posts deliveries", (*assembly.Parts).Sender},
		{"recorder", "Run a recorder: writes the delivery log", (*assembly.Parts).Recorder},
		{"receipts", "Run the receipts service", (*assembly.Parts).Receipts},
		{"invoices", "Run the invoices service", (*assembly.Parts).Invoices},
		{"contacts", "Run the contacts service", (*assembly.Parts).Contacts},
		{"stock", "Run the stock service", (*assembly.Parts).Stock},
	} {
		c := &cobra.Command{Use: s.name, Short: s.short, Args: noArguments}
		c.Flags().String("listen", ":8080", "address of REST, health and metrics (STAFFETTA_LISTEN)")
		c.RunE = func(c *cobra.Command, _ []string) error {
			return env.with(c, s.name, func(ctx context.Context, p *assembly.Parts) error {
				component, err := s.build(p, ctx)
				if err != nil {
					return err
				}
				return p.Serve(ctx, nil, component)
			})
		}
		commands = append(commands, c)
	}
	return commands
}

// with reads the settings, opens the parts for a service, and closes them.
func (env Environment) with(c *cobra.Command, service string, run func(context.Context, *assembly.Parts) error) error {
	cfg, log, err := env.settings(service, given(c, map[string]string{"listen": config.Listen}), telemetry.JSON)
	if err != nil {
		return err
	}
	parts, err := assembly.Open(c.Context(), service, cfg, env.Version, log)
	if err != nil {
		return err
	}
	defer parts.Close()
	return run(c.Context(), parts)
}

func (env Environment) standalone() *cobra.Command {
	c := &cobra.Command{
		Use: "standalone", Short: "Run all services in one process, on embedded parts", Args: noArguments,
	}
	c.Flags().String("listen", "127.0.0.1:8080", "address of REST, health and metrics (STAFFETTA_LISTEN)")
	kafka := c.Flags().String("kafka-listen", "127.0.0.1:19092", "address of the embedded Kafka; any client can produce to it")
	data := c.Flags().String("data", "./data", "folder of all that must survive a restart")
	demo := c.Flags().Bool("demo", false, "make changes, and receive their deliveries")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, log, err := env.settings("standalone", given(c, map[string]string{"listen": config.Listen}), telemetry.Console)
		if err != nil {
			return err
		}
		return standalone.Run(c.Context(), standalone.Config{
			Config: cfg, DataDir: *data, KafkaListen: *kafka, Demo: *demo,
			Version: env.Version, Log: log, Out: env.Out,
		})
	}
	return c
}

func (env Environment) migrate() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date (idempotent)", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return env.with(c, "migrate", func(ctx context.Context, p *assembly.Parts) error { return p.Migrate(ctx) })
		},
	}
}

func (env Environment) rekey() *cobra.Command {
	return &cobra.Command{
		Use: "rekey", Short: "Seal with the first encryption key what is sealed with another (idempotent)", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return env.with(c, "rekey", func(ctx context.Context, p *assembly.Parts) error { return p.Rekey(ctx, env.Out) })
		},
	}
}

func (env Environment) topics() *cobra.Command {
	c := &cobra.Command{
		Use: "topics", Short: "Create the topics, or bring their settings up to date (idempotent)", Args: noArguments,
	}
	partitions := c.Flags().Int("partitions", 32, "partitions of each topic; chosen once, at their creation")
	replication := c.Flags().Int("replication", -1, "replicas of each topic; -1: the brokers' default")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return env.with(c, "topics", func(ctx context.Context, p *assembly.Parts) error {
			return p.Topics(ctx, *partitions, *replication)
		})
	}
	return c
}
