package embedded

import (
	"fmt"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// Redis is an embedded Redis, miniredis, in memory.
type Redis struct {
	addr string

	mu     sync.Mutex
	server *miniredis.Miniredis
}

// StartRedis starts a server on addr, host:port; empty: a free port of the
// loopback.
func StartRedis(addr string) (*Redis, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	r := &Redis{addr: addr}
	if err := r.start(); err != nil {
		return nil, err
	}
	return r, nil
}

// URL is redis://host:port, the same after a Restart.
func (r *Redis) URL() string { return "redis://" + r.addr }

// Close stops the server and drops its connections.
func (r *Redis) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
}

// Restart stops the server and starts an empty one on the same address.
func (r *Redis) Restart() error {
	r.Close()
	return r.start()
}

func (r *Redis) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true) // else keys would never expire
	if err := server.StartAddr(r.addr); err != nil {
		return fmt.Errorf("start embedded redis on %s: %w", r.addr, err)
	}
	r.server, r.addr = server, server.Addr()
	return nil
}
