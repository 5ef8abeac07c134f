package publish

import (
	"time"

	"go.uber.org/zap"
)

// defaultHold is how long a topic that takes no messages is left alone.
const defaultHold = 5 * time.Second

// hold leaves a topic alone for a while: its rows wait, those of others do not.
func (r *Relay) hold(topic string, err error) {
	if _, known := r.held[topic]; !known {
		r.cfg.Log.Warn("topic takes no events, which wait in the outbox", zap.String("topic", topic), zap.Error(err))
	}
	r.held[topic] = time.Now().Add(r.holdSpan)
}

func (r *Relay) release(topic string) {
	if _, known := r.held[topic]; known {
		r.cfg.Log.Info("topic takes events again", zap.String("topic", topic))
		delete(r.held, topic)
	}
}

// heldTopics are those to leave alone now.
func (r *Relay) heldTopics() (topics []string) {
	for topic, until := range r.held {
		if time.Now().Before(until) {
			topics = append(topics, topic)
		}
	}
	return topics
}
