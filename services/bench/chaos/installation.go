package chaos

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/config"
)

// The services that have to do with deliveries.
const (
	sender   = "sender"
	router   = "router"
	recorder = "recorder"
	api      = "api"
)

// fleet is how many processes each service has.
var fleet = []struct {
	service string
	count   int
}{{sender, 3}, {router, 2}, {recorder, 2}, {api, 1}}

const (
	// partitions of topics that are not there yet: more than two for each sender.
	partitions = 8
	// setUp bounds migrate, topics and the start of all services.
	setUp = 2 * time.Minute
	// probeTimeout bounds a question about health, which takes up to 0.9 s.
	probeTimeout = 2 * time.Second
)

// member is one of the fleet: sender-0. Its process changes.
type member struct {
	name, service, address string
	process                *process
}

// installation is all services, each process its own.
type installation struct {
	cfg         *Config
	servers     servers
	parts       *assembly.Parts // to publish and to look at the database
	environment []string
	members     []*member
	api         client
	http        *http.Client
	faults      []string
}

// install makes tables and topics and starts every service.
func install(ctx context.Context, cfg *Config, base servers) (_ *installation, err error) {
	in := &installation{cfg: cfg, servers: base, http: &http.Client{Timeout: probeTimeout}}
	if cfg.AdminKey == "" {
		cfg.AdminKey = rand.Text() + rand.Text() // 52 characters
	}
	if cfg.EncryptionKeys == "" {
		var key [32]byte
		rand.Read(key[:]) // never fails: crypto/rand ends the program first
		cfg.EncryptionKeys = base64.StdEncoding.EncodeToString(key[:])
	}
	for name, value := range map[string]string{
		config.KafkaBrokers: strings.Join(cfg.Kafka.Brokers, ","), config.RedisURL: cfg.RedisURL,
		config.DatabaseURL: cfg.DatabaseURL, config.AdminKey: cfg.AdminKey, config.EncryptionKey: cfg.EncryptionKeys,
		config.EgressAllow: "127.0.0.0/8", config.LogLevel: "info",
	} {
		in.environment = append(in.environment, name+"="+value)
	}
	ctx, cancel := context.WithTimeout(ctx, setUp)
	defer cancel()
	in.parts, err = assembly.Open(ctx, "bench", config.Config{Kafka: cfg.Kafka, DatabaseURL: cfg.DatabaseURL}, "bench", cfg.Log)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			in.killAll()
		}
	}()
	count, err := in.parts.Bus.Partitions(ctx, bus.Deliveries)
	if errors.Is(err, bus.ErrNoTopic) {
		count, err = partitions, nil // topics that are there keep their number
	}
	if err != nil {
		return nil, err
	}
	for _, command := range [][]string{{"migrate"}, {"topics", "--partitions", strconv.Itoa(count)}} {
		if err := in.command(ctx, command...); err != nil {
			return nil, err
		}
	}
	if err := in.startAll(); err != nil {
		return nil, err
	}
	return in, in.awaitReady(ctx)
}

// command runs a subcommand to its end.
func (in *installation) command(ctx context.Context, args ...string) error {
	p, err := in.cfg.launch(args[0], in.environment, args...)
	if err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("%s: %w", args[0], context.Cause(ctx))
	}
	if state := p.command.ProcessState; !state.Success() {
		return fmt.Errorf("%s ended with %s", args[0], state)
	}
	return nil
}

func (in *installation) startAll() error {
	for _, s := range fleet {
		addresses, err := freeAddresses(s.count)
		if err != nil {
			return err
		}
		for i, address := range addresses {
			m := &member{name: s.service + "-" + strconv.Itoa(i), service: s.service, address: address}
			if err := in.start(m); err != nil {
				return err
			}
			in.members = append(in.members, m)
			if s.service == api {
				in.api = client{base: "http://" + address, key: in.cfg.AdminKey}
			}
		}
	}
	return nil
}

// start starts a member that does not run.
func (in *installation) start(m *member) (err error) {
	m.process, err = in.cfg.launch(m.name, append(in.environment[:len(in.environment):len(in.environment)],
		config.Listen+"="+m.address), m.service)
	return err
}

// of lists the members of a service.
func (in *installation) of(service string) (found []*member) {
	for _, m := range in.members {
		if m.service == service {
			found = append(found, m)
		}
	}
	return found
}

// stopAll stops every service in order, all at the same time, and removes what
// was made to know how they are.
func (in *installation) stopAll() {
	faults := make([]string, len(in.members))
	var stopping sync.WaitGroup
	for i, m := range in.members {
		stopping.Go(func() { _, faults[i] = m.process.stop() })
	}
	stopping.Wait()
	for i, m := range in.members {
		in.fault(m, faults[i])
	}
	in.members = nil
}

// killAll ends what still runs.
func (in *installation) killAll() {
	for _, m := range in.members {
		m.process.kill()
	}
	in.members = nil
	in.parts.Close()
}

// fault notes what a member did that it should not have; "" is nothing.
func (in *installation) fault(m *member, what string) {
	if what != "" {
		in.faults = append(in.faults, m.name+" "+what)
	}
}
