package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/consumer"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

const (
	// protocolType of groups that share partitions out.
	protocolType = "consumer"
	// subscriptionVersion of what members tell each other.
	subscriptionVersion = 1
)

// member is this process in a group, across generations. kafka-go's
// ConsumerGroup forgets its id when a join fails, so that it cannot leave and
// holds its partitions for a session; and it sends no heartbeat while the
// handler of a revoked generation finishes.
type member struct {
	client     *Client
	cfg        GroupConfig
	id         string
	generation int32
	owned      []int
}

// join enters the next generation of the group.
func (m *member) join(ctx context.Context) (*Assignment, error) {
	answer, err := m.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("join group %q: %w", m.cfg.ID, err)
	}
	var plan []syncgroup.RequestAssignment
	if answer.LeaderID == answer.MemberID {
		if plan, err = m.plan(ctx, answer.Members); err != nil {
			return nil, fmt.Errorf("assign partitions of group %q: %w", m.cfg.ID, err)
		}
	}
	partitions, err := m.sync(ctx, answer.GenerationID, plan)
	if err != nil {
		return nil, fmt.Errorf("sync group %q: %w", m.cfg.ID, err)
	}
	m.generation = answer.GenerationID
	m.owned = union(partitions)

	committed, err := m.client.committed(ctx, m.cfg.ID, partitions)
	if err != nil {
		return nil, err
	}
	return &Assignment{
		Generation: int(m.generation),
		Member:     m.id,
		Partitions: partitions,
		Session:    m.cfg.SessionTimeout,
		client:     m.client,
		group:      m.cfg.ID,
		committed:  committed,
	}, nil
}

func (m *member) enter(ctx context.Context) (*joingroup.Response, error) {
	metadata, err := protocol.Marshal(subscriptionVersion, consumer.Subscription{
		Version:  subscriptionVersion,
		Topics:   m.cfg.Topics,
		UserData: encodeClaim(int64(m.generation), m.owned),
	})
	if err != nil {
		return nil, err
	}
	req := &joingroup.Request{
		GroupID:            m.cfg.ID,
		SessionTimeoutMS:   int32(m.cfg.SessionTimeout.Milliseconds()),
		RebalanceTimeoutMS: int32(m.cfg.RebalanceTimeout.Milliseconds()),
		MemberID:           m.id,
		ProtocolType:       protocolType,
		Protocols:          []joingroup.RequestProtocol{{Name: balancerName, Metadata: metadata}},
	}
	for {
		// The coordinator answers when all members have joined.
		answer, err := expect[*joingroup.Response](m.client.ask(ctx, m.cfg.ID, req, m.cfg.RebalanceTimeout+requestTimeout))
		if err != nil {
			return nil, err
		}
		err = answered(answer.ErrorCode)
		if errors.Is(err, kafka.MemberIDRequired) {
			// Known from now on, so that we can leave whatever comes.
			m.id, req.MemberID = answer.MemberID, answer.MemberID
			continue
		}
		if err == nil {
			m.id = answer.MemberID
		}
		return answer, err
	}
}

// plan is the leader's work: who gets what.
func (m *member) plan(ctx context.Context, members []joingroup.ResponseMember) ([]syncgroup.RequestAssignment, error) {
	claims := make([]claim, len(members))
	partitions := make(map[string]int)
	for i, member := range members {
		var s consumer.Subscription
		if err := protocol.Unmarshal(member.Metadata, subscriptionVersion, &s); err != nil {
			return nil, fmt.Errorf("subscription of member %q: %w", member.MemberID, err)
		}
		claims[i] = claim{member: member.MemberID, topics: s.Topics}
		claims[i].generation, claims[i].numbers = decodeClaim(s.UserData)
		for _, topic := range s.Topics {
			n, err := m.client.Partitions(ctx, topic)
			if err != nil && !errors.Is(err, ErrNoTopic) {
				return nil, err
			}
			partitions[topic] = n // a topic that is not there has none
		}
	}
	var plan []syncgroup.RequestAssignment
	for member, topics := range assign(claims, partitions) {
		a := consumer.Assignment{Version: subscriptionVersion}
		for _, topic := range slices.Sorted(maps.Keys(topics)) {
			tp := consumer.TopicPartition{Topic: topic}
			for _, number := range topics[topic] {
				tp.Partitions = append(tp.Partitions, int32(number))
			}
			a.AssignedPartitions = append(a.AssignedPartitions, tp)
		}
		b, err := protocol.Marshal(subscriptionVersion, a)
		if err != nil {
			return nil, err
		}
		plan = append(plan, syncgroup.RequestAssignment{MemberID: member, Assignment: b})
	}
	return plan, nil
}

func (m *member) sync(ctx context.Context, generation int32, plan []syncgroup.RequestAssignment) (map[string][]int, error) {
	answer, err := expect[*syncgroup.Response](m.client.ask(ctx, m.cfg.ID, &syncgroup.Request{
		GroupID:      m.cfg.ID,
		GenerationID: generation,
		MemberID:     m.id,
		ProtocolType: protocolType,
		ProtocolName: balancerName,
		Assignments:  plan,
	}, m.cfg.RebalanceTimeout+requestTimeout))
	if err != nil {
		return nil, err
	}
	if err := answered(answer.ErrorCode); err != nil {
		return nil, err
	}
	partitions := make(map[string][]int)
	if len(answer.Assignments) == 0 {
		return partitions, nil
	}
	var a consumer.Assignment
	if err := protocol.Unmarshal(answer.Assignments, subscriptionVersion, &a); err != nil {
		return nil, fmt.Errorf("read the assignment: %w", err)
	}
	for _, tp := range a.AssignedPartitions {
		for _, number := range tp.Partitions {
			partitions[tp.Topic] = append(partitions[tp.Topic], int(number))
		}
		slices.Sort(partitions[tp.Topic])
	}
	return partitions, nil
}

// beat tells the coordinator that this member lives.
func (m *member) beat(ctx context.Context) error {
	answer, err := expect[*heartbeat.Response](m.client.ask(ctx, m.cfg.ID, &heartbeat.Request{
		GroupID:      m.cfg.ID,
		GenerationID: m.generation,
		MemberID:     m.id,
	}, m.cfg.SessionTimeout/2))
	if err != nil {
		return err
	}
	return answered(answer.ErrorCode)
}

// leave gives the partitions back at once. Without it they would lie still for
// a session.
func (m *member) leave(ctx context.Context) error {
	if m.id == "" {
		return nil
	}
	// The context has just ended, most often.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.cfg.SessionTimeout)
	defer cancel()
	err := m.client.retry(ctx, func(ctx context.Context) error {
		answer, err := expect[*leavegroup.Response](m.client.ask(ctx, m.cfg.ID, &leavegroup.Request{
			GroupID: m.cfg.ID,
			Members: []leavegroup.RequestMember{{MemberID: m.id}},
		}, requestTimeout))
		if err != nil {
			return err
		}
		return answered(answer.ErrorCode)
	})
	m.id = ""
	if errors.Is(err, kafka.UnknownMemberId) {
		return nil // out already
	}
	return err
}

// union of the numbers of all topics, sorted.
func union(partitions map[string][]int) []int {
	var all []int
	for _, numbers := range partitions {
		all = append(all, numbers...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
