package demo

import (
	"context"
	"errors"
	"sync"
)

var errSettingUp = errors.New("account, key and webhook are not set up yet")

// state is whether the demo works: nil once it is set up and its last change
// was answered.
type state struct {
	mu  sync.Mutex
	err error
}

func (s *state) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Working is a telemetry.Check: an error until the demo is set up, and while
// the services do not answer its changes.
func (d *Demo) Working(context.Context) error {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	return d.state.err
}
