// Package browser_test uses the portal as people do: with a browser, on a standalone
// that really delivers. `make test-browser` runs it, `make screenshots` takes pictures.
//
//	main_test.go        the standalone and the browser that all tests share
//	standalone_test.go  a standalone as a process, and its API
//	account_test.go     an account of a test's own, and its receivers
//	chromium_test.go    the browser
//	tab_test.go         what a person does in a tab, and what must never happen there
//	find_test.go        how a person finds things: by their names and labels
//	words_test.go       what tests say in English, in Italian
//	shop_test.go        an account in which there is something to see on every page
//	views_test.go       every page and state of one
package browser_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/staffetta/staffetta/services/cmd"
)

// The environment of the tests. Without Chromium they are skipped.
const (
	// chromiumVar names the program.
	chromiumVar = "STAFFETTA_TEST_CHROMIUM"
	// axeVar names axe-core's axe.min.js.
	axeVar = "STAFFETTA_TEST_AXE"
	// asStaffetta makes the test binary the program under test.
	asStaffetta = "STAFFETTA_BROWSER_RUN"
)

// shared by all tests, and started by the first that needs it.
var (
	plain    = lazily(func() (*standalone, error) { return startStandalone() })
	chromium = lazily(startChromium)
)

func TestMain(m *testing.M) {
	if os.Getenv(asStaffetta) != "" {
		os.Exit(cmd.Main(os.Args[1:], cmd.Environment{
			Version: "browser", Commit: "none", Lookup: os.LookupEnv, Out: os.Stdout, Err: os.Stderr,
		}))
	}
	flag.Parse()
	// Tabs wait more than they work.
	if err := flag.Set("test.parallel", strconv.Itoa(6)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	for _, end := range ends {
		end()
	}
	os.Exit(status)
}

// ends are what TestMain calls at the end.
var (
	endsMu sync.Mutex
	ends   []func()
)

func atEnd(end func()) {
	endsMu.Lock()
	defer endsMu.Unlock()
	ends = append([]func(){end}, ends...)
}

// lazily starts something once, and fails every test that needs it if it does not start.
func lazily[T any](start func() (T, error)) func(*testing.T) T {
	once := sync.OnceValues(start)
	return func(t *testing.T) T {
		t.Helper()
		needChromium(t)
		value, err := once()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func needChromium(t *testing.T) {
	t.Helper()
	if os.Getenv(chromiumVar) == "" {
		t.Skip(chromiumVar + " is not set: run make test-browser")
	}
}
