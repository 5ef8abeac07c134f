// Command staffetta is every service of Staffetta, one subcommand each.
package main

import (
	"os"

	"github.com/staffetta/staffetta/services/cmd"
)

// Set by the linker, see the Makefile.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	os.Exit(cmd.Main(os.Args[1:], cmd.Environment{
		Version: version, Commit: commit, Lookup: os.LookupEnv, Out: os.Stdout, Err: os.Stderr,
	}))
}
