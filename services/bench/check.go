package bench

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// defaults of what neither the configuration nor the scenario says.
var defaults = Config{
	Events: 20_000, Accounts: 1, Payload: hook.Thin, Rate: 100, Seconds: 30, Pairs: 5,
	Fanout: []int{10, 1_000}, Variant: "hang-1-of-20",
	// Four times the 15 s that one attempt may last.
	Patience: 60 * time.Second,
}

// or fills in what is left out.
func (cfg Config) or(d Config) Config {
	cfg.Events = cmp.Or(cfg.Events, d.Events)
	cfg.Accounts = cmp.Or(cfg.Accounts, d.Accounts)
	cfg.Webhooks = cmp.Or(cfg.Webhooks, d.Webhooks)
	cfg.Payload = cmp.Or(cfg.Payload, d.Payload)
	cfg.Rate = cmp.Or(cfg.Rate, d.Rate)
	cfg.Seconds = cmp.Or(cfg.Seconds, d.Seconds)
	cfg.Pairs = cmp.Or(cfg.Pairs, d.Pairs)
	cfg.Variant = cmp.Or(cfg.Variant, d.Variant)
	cfg.Backlog = cmp.Or(cfg.Backlog, d.Backlog)
	cfg.Drain = cmp.Or(cfg.Drain, d.Drain)
	cfg.Patience = cmp.Or(cfg.Patience, d.Patience)
	if len(cfg.Fanout) == 0 {
		cfg.Fanout = d.Fanout
	}
	return cfg
}

// choose finds the scenario.
func (cfg Config) choose() (scenario, error) {
	for _, s := range scenarios {
		if s.name == cfg.Scenario {
			return s, nil
		}
	}
	return scenario{}, hook.Invalid{{
		Field: "scenario", Value: cfg.Scenario, Rule: "must be one of " + strings.Join(Scenarios(), ", "),
	}}
}

// check finds every fault; what was left out is filled in.
func (cfg Config) check() error {
	var faults hook.Invalid
	atLeast := func(field string, value, least int, rule string) {
		if value < least {
			faults.Add(field, strconv.Itoa(value), rule)
		}
	}
	atLeast("events", cfg.Events, 1, "must be at least 1")
	atLeast("accounts", cfg.Accounts, 1, "must be at least 1")
	atLeast("webhooks", cfg.Webhooks, cfg.Accounts, "must be at least one for each account")
	atLeast("seconds", cfg.Seconds, 1, "must be at least 1")
	atLeast("pairs", cfg.Pairs, 1, "must be at least 1")
	atLeast("backlog", cfg.Backlog, 0, "must not be negative")
	atLeast("drain", cfg.Drain, 0, "must not be negative")
	for _, webhooks := range cfg.Fanout {
		atLeast("fanout", webhooks, 1, "must be at least 1")
	}
	if !(cfg.Rate > 0 && cfg.Rate <= maxRate) { // so that NaN is one too
		faults.Add("rate", strconv.FormatFloat(cfg.Rate, 'g', -1, 64), "must be more than 0 and at most "+strconv.Itoa(maxRate))
	}
	if cfg.Payload != hook.Thin && cfg.Payload != hook.Full {
		faults.Add("payload", string(cfg.Payload), "must be thin or full")
	}
	if _, err := ParseVariant(cfg.Variant); err != nil {
		faults.Add("variant", cfg.Variant, err.Error())
	}
	named := 0
	for _, set := range []bool{len(cfg.Kafka.Brokers) > 0, cfg.RedisURL != "", cfg.DatabaseURL != ""} {
		if set {
			named++
		}
	}
	if named != 0 && named != 3 {
		faults.Add("servers", "", "must be named all three, Kafka's brokers, Redis and the database, or none of them")
	}
	return faults.Err()
}

// maxRate bounds Config.Rate: nothing of ours publishes faster.
const maxRate = 1_000_000
