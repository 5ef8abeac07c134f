package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// segmentMillis is a setting that is left to the broker: 7 days by default.
const segmentMillis = "segment.ms"

// Kept is how long Kafka may have a record after it was written, for each of the topics
// that there are: the retention and the length of a segment, since a segment goes as a
// whole, when its newest record is old enough. Below 0: for ever.
func (c *Client) Kept(ctx context.Context, topics []string) (map[string]time.Duration, error) {
	describe := &kafka.DescribeConfigsRequest{}
	for _, topic := range topics {
		describe.Resources = append(describe.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic,
			ResourceName: topic,
			ConfigNames:  []string{retentionMillis, segmentMillis, cleanupPolicy},
		})
	}
	var kept map[string]time.Duration
	err := c.retry(ctx, func(ctx context.Context) error {
		answer, err := c.kafka.DescribeConfigs(ctx, describe)
		if err != nil {
			return fmt.Errorf("read the retention of topics: %w", err)
		}
		kept = make(map[string]time.Duration)
		for _, r := range answer.Resources {
			if errors.Is(r.Error, kafka.UnknownTopicOrPartition) {
				continue
			}
			if r.Error != nil {
				return fmt.Errorf("read the retention of topic %q: %w", r.ResourceName, r.Error)
			}
			settings := make(map[string]string)
			for _, e := range r.ConfigEntries {
				settings[e.ConfigName] = e.ConfigValue
			}
			if kept[r.ResourceName], err = keptBy(settings); err != nil {
				return fmt.Errorf("topic %q: %w", r.ResourceName, err)
			}
		}
		return nil
	})
	return kept, err
}

// keptBy is Kept of a topic with these settings.
func keptBy(settings map[string]string) (time.Duration, error) {
	if policy := settings[cleanupPolicy]; policy != "" && !strings.Contains(policy, "delete") {
		return -1, nil
	}
	retention, err := millis(settings, retentionMillis)
	if err != nil || retention < 0 {
		return -1, err
	}
	segment, err := millis(settings, segmentMillis)
	if err != nil || segment < 0 {
		return -1, err
	}
	return retention + segment, nil
}

// millis is a setting in milliseconds; one that is not told counts as without end, like
// one that no duration holds.
func millis(settings map[string]string, name string) (time.Duration, error) {
	text := settings[name]
	if text == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q", name, text)
	}
	if n < 0 || n > int64(century/time.Millisecond) {
		return -1, nil
	}
	return time.Duration(n) * time.Millisecond, nil
}

// century is longer than anybody keeps anything, and fits twice into a duration.
const century = 100 * 365 * day
