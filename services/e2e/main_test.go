package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/staffetta/staffetta/services/cmd"
)

// asStaffetta makes the test binary the program under test, so that services
// run as processes of their own, with the race detector if the tests have it.
const asStaffetta = "STAFFETTA_E2E_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asStaffetta) != "" {
		os.Exit(cmd.Main(os.Args[1:], cmd.Environment{
			Version: "e2e", Commit: "none", Lookup: os.LookupEnv, Out: os.Stdout, Err: os.Stderr,
		}))
	}
	flag.Parse()
	// The tests wait far more than they work, so more of them than there are
	// processors go at the same time.
	if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
