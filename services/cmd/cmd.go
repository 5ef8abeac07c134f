// Package cmd is the command line: subcommands and flags, and nothing that they
// do.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/config"
)

// Exit statuses.
const (
	succeeded = 0
	failed    = 1
	misused   = 2 // flags or environment
)

// Environment is what the process was started with.
type Environment struct {
	Version, Commit string
	// Lookup is os.LookupEnv.
	Lookup   func(name string) (string, bool)
	Out, Err io.Writer
}

// Main runs the command line and returns its exit status: 0, 1 if the command
// failed, 2 for bad flags or settings. SIGINT and SIGTERM stop it in order; a
// second one at once.
func Main(args []string, env Environment) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal has its default effect

	root := &cobra.Command{
		Use:           "staffetta",
		Short:         "Staffetta tells other systems what changed: Kafka in, signed webhooks out",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misuse{fmt.Errorf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetArgs(args)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(env.standalone())
	root.AddCommand(env.services()...)
	root.AddCommand(env.migrate(), env.rekey(), env.topics(), env.listen(), env.demo(), env.healthcheck(), env.bench(), env.benchReceiver(), env.version())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return misuse{err} })

	err := root.ExecuteContext(ctx)
	var (
		bad    misuse
		faults hook.Invalid
	)
	switch {
	case err == nil:
		return succeeded
	case errors.As(err, &faults):
		fmt.Fprintln(env.Err, "staffetta: these settings are wrong:")
		for _, f := range faults {
			fmt.Fprintf(env.Err, "  %s\n", f.Error())
		}
		return misused
	case errors.As(err, &bad):
		fmt.Fprintf(env.Err, "staffetta: %v (see --help)\n", err)
		return misused
	default:
		fmt.Fprintf(env.Err, "staffetta: %v\n", err)
		return failed
	}
}

// misuse is an error in the command line itself.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// noArguments is cobra.NoArgs with our exit status.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misuse{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// settings reads the environment, flags first, and makes the log.
func (env Environment) settings(service string, flags map[string]string, format telemetry.LogFormat) (config.Config, *zap.Logger, error) {
	cfg, err := config.Load(service, env.Lookup, flags)
	if err != nil {
		return cfg, nil, err
	}
	log, err := telemetry.NewLog(env.Err, service, cfg.LogLevel, format)
	return cfg, log, err
}

// given returns the flags of a command that were set, by the environment names
// that they override.
func given(cmd *cobra.Command, names map[string]string) map[string]string {
	overrides := map[string]string{}
	for flag, name := range names {
		if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
			overrides[name] = f.Value.String()
		}
	}
	return overrides
}

func (env Environment) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version and commit", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(env.Out, "staffetta %s (%s)\n", env.Version, env.Commit)
			return err
		},
	}
}
