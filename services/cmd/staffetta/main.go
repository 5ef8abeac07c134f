// Command staffetta is every service of Staffetta, one subcommand each.
package main

import (
	"os"
	"runtime/debug"

	"github.com/staffetta/staffetta/services/cmd"
)

// Set by the linker, see the Makefile.
var (
	version = "dev"
	commit  = "unknown"
)

// gcPercent lets the heap grow to four times what lives before it is collected:
// what lives is small (a sender's 10,000 tasks are some 50 MiB), and most of
// what is allocated dies with its delivery. Measured: a sixth less CPU for each.
const gcPercent = 300

func main() {
	// 100 is Go's own default, so nobody chose it by GOGC.
	if chosen := debug.SetGCPercent(gcPercent); chosen != 100 {
		debug.SetGCPercent(chosen)
	}
	os.Exit(cmd.Main(os.Args[1:], cmd.Environment{
		Version: version, Commit: commit, Lookup: os.LookupEnv, Out: os.Stdout, Err: os.Stderr,
	}))
}
