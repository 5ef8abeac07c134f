package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// within bounds what should happen soon; it is only waited out by a failure.
const within = 120 * time.Second

// client asks services. One that accepts and never answers is a failure too.
var client = &http.Client{Timeout: within}

// eventually retries until check returns nil. It runs check in the test's own
// goroutine, so that check may require things.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", within, err)
		}
		<-again.C
	}
}

// is says what is wrong if two values differ.
func is(got, want any) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

// addresses are those that were given out.
var addresses sync.Map

// freeAddress is an address to listen on. Its port lies below those that systems
// take for outgoing connections (32768 upward): else somebody's connection could
// have it when what listened there is started again, and a client that retries
// could be connected to itself meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if _, taken := addresses.LoadOrStore(address, true); taken {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue // somebody else's
		}
		_ = listener.Close()
		return address
	}
	t.Fatal("found no free port")
	return ""
}
