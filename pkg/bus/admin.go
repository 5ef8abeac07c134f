package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// The settings of a topic that are ours.
const (
	timestampType   = "message.timestamp.type"
	logAppendTime   = "LogAppendTime"
	retentionMillis = "retention.ms"
	retentionBytes  = "retention.bytes"
	maxMessageBytes = "max.message.bytes"
	cleanupPolicy   = "cleanup.policy"
)

// adminTimeout bounds one step of EnsureTopics: a cluster takes its time to
// make a few hundred partitions.
const adminTimeout = 60 * time.Second

type setting struct{ name, value string }

func (s *TopicSpec) settings() []setting {
	return []setting{
		{timestampType, logAppendTime},
		{retentionMillis, strconv.FormatInt(s.Retention.Milliseconds(), 10)},
		{retentionBytes, "-1"}, // by time only
		{maxMessageBytes, strconv.Itoa(s.MaxMessageBytes)},
		{cleanupPolicy, "delete"},
	}
}

// EnsureTopics creates the topics that are missing and sets those that exist
// up as specified, upstream's own excepted. It may run again at any time. A
// topic with another number of partitions is an error that names it, since
// that cannot be mended without losing the order of its keys.
func (c *Client) EnsureTopics(ctx context.Context, specs []TopicSpec, replication int) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	created, err := c.createTopics(ctx, specs, replication)
	if err != nil {
		return err
	}
	var faults error
	alter := &kafka.IncrementalAlterConfigsRequest{}
	c.layout.expire()
	for _, s := range specs {
		if s.Upstream {
			continue
		}
		n, err := c.partitionsOfNew(ctx, s.Name)
		switch {
		case err != nil:
			faults = errors.Join(faults, err)
		case n != s.Partitions:
			faults = errors.Join(faults, fmt.Errorf("topic %q has %d partitions, not %d", s.Name, n, s.Partitions))
		case !created[s.Name]:
			alter.Resources = append(alter.Resources, s.alteration())
		}
	}
	if len(alter.Resources) > 0 {
		answer, err := c.kafka.IncrementalAlterConfigs(ctx, alter)
		if err != nil {
			return errors.Join(faults, fmt.Errorf("set topics up: %w", err))
		}
		for _, r := range answer.Resources {
			if r.Error != nil {
				faults = errors.Join(faults, fmt.Errorf("set topic %q up: %w", r.ResourceName, r.Error))
			}
		}
	}
	return faults
}

func (s *TopicSpec) alteration() kafka.IncrementalAlterConfigsRequestResource {
	r := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: s.Name}
	for _, set := range s.settings() {
		r.Configs = append(r.Configs, kafka.IncrementalAlterConfigsRequestConfig{
			Name:            set.name,
			Value:           set.value,
			ConfigOperation: kafka.ConfigOperationSet,
		})
	}
	return r
}

// createTopics tells which topics were missing.
func (c *Client) createTopics(ctx context.Context, specs []TopicSpec, replication int) (created map[string]bool, err error) {
	req := &kafka.CreateTopicsRequest{}
	for _, s := range specs {
		t := kafka.TopicConfig{Topic: s.Name, NumPartitions: s.Partitions, ReplicationFactor: replication}
		for _, set := range s.settings() {
			t.ConfigEntries = append(t.ConfigEntries, kafka.ConfigEntry{ConfigName: set.name, ConfigValue: set.value})
		}
		req.Topics = append(req.Topics, t)
	}
	err = c.retry(ctx, func(ctx context.Context) error {
		answer, err := c.kafka.CreateTopics(ctx, req)
		if err != nil {
			return fmt.Errorf("create topics: %w", err)
		}
		var faults error
		created = make(map[string]bool)
		for topic, err := range answer.Errors {
			switch {
			case err == nil:
				created[topic] = true
			case !errors.Is(err, kafka.TopicAlreadyExists):
				faults = errors.Join(faults, fmt.Errorf("create topic %q: %w", topic, err))
			}
		}
		return faults
	})
	return created, err
}

// partitionsOfNew is Partitions for a topic that a broker may not know yet.
func (c *Client) partitionsOfNew(ctx context.Context, topic string) (int, error) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		n, err := c.Partitions(ctx, topic)
		if !errors.Is(err, ErrNoTopic) || pause(ctx, wait) != nil {
			return n, err
		}
	}
}

// CheckTopics reports in one error everything in which the topics differ from
// what services rely on: that they exist, their partitions, LogAppendTime, and that
// they keep records at least as long as they should, however many these are.
func (c *Client) CheckTopics(ctx context.Context, specs []TopicSpec) error {
	var faults error
	describe := &kafka.DescribeConfigsRequest{}
	least := make(map[string]time.Duration)
	c.layout.expire()
	for _, s := range specs {
		n, err := c.Partitions(ctx, s.Name)
		switch {
		case errors.Is(err, ErrNoTopic):
			faults = errors.Join(faults, fmt.Errorf("topic %q does not exist", s.Name))
			continue
		case err != nil:
			return err
		case s.Upstream:
			continue
		case n != s.Partitions:
			faults = errors.Join(faults, fmt.Errorf("topic %q has %d partitions, not %d", s.Name, n, s.Partitions))
		}
		describe.Resources = append(describe.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic,
			ResourceName: s.Name,
			ConfigNames:  []string{timestampType, retentionMillis, retentionBytes},
		})
		least[s.Name] = s.Retention
	}
	if len(describe.Resources) > 0 {
		wrong, err := c.misset(ctx, describe, least)
		if err != nil {
			return err
		}
		faults = errors.Join(faults, wrong)
	}
	if faults != nil {
		return fmt.Errorf("topics are not set up, run `staffetta topics`: %w", faults)
	}
	return nil
}

// misset reports the topics whose time is not the broker's, or that drop records sooner
// than is relied on.
func (c *Client) misset(ctx context.Context, describe *kafka.DescribeConfigsRequest, least map[string]time.Duration) (wrong, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		answer, err := c.kafka.DescribeConfigs(ctx, describe)
		if err != nil {
			return fmt.Errorf("read the settings of topics: %w", err)
		}
		wrong = nil
		for _, r := range answer.Resources {
			if r.Error != nil {
				return fmt.Errorf("read the settings of topic %q: %w", r.ResourceName, r.Error)
			}
			for _, e := range r.ConfigEntries {
				if rule := broken(e.ConfigName, e.ConfigValue, least[r.ResourceName]); rule != "" {
					wrong = errors.Join(wrong, fmt.Errorf("topic %q has %s %s, not %s", r.ResourceName, e.ConfigName, e.ConfigValue, rule))
				}
			}
		}
		return nil
	})
	return wrong, err
}

// broken is what a setting should be; empty: it is.
func broken(name, value string, least time.Duration) string {
	switch name {
	case timestampType:
		if value != logAppendTime {
			return logAppendTime
		}
	case retentionBytes:
		if value != "-1" {
			return "-1"
		}
	case retentionMillis:
		if millis, err := strconv.ParseInt(value, 10, 64); err != nil || millis >= 0 && millis < least.Milliseconds() {
			return fmt.Sprintf("%d or more", least.Milliseconds())
		}
	}
	return ""
}
