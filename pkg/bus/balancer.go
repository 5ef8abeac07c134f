package bus

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// balancerName is the protocol that all members of a group must know. A change
// of the rule needs another name.
const balancerName = "staffetta-numbers"

// claim is what a member owned when it joined.
type claim struct {
	member     string
	topics     []string
	generation int64
	numbers    []int
}

// assign gives each partition number to one member, with that number's
// partition of every topic, so that what belongs to one key is in one place.
// Numbers stay where they are as far as the members' shares allow, which differ
// by one at most. The result is the same whatever the order of the claims.
func assign(claims []claim, partitions map[string]int) map[string]map[string][]int {
	owners := share(claims, numbers(partitions))
	assigned := make(map[string]map[string][]int, len(claims))
	for _, c := range claims {
		assigned[c.member] = make(map[string][]int)
	}
	for topic, n := range partitions {
		for number := range n {
			if owner := subscriber(claims, owners[number], topic); owner != "" {
				assigned[owner][topic] = append(assigned[owner][topic], number)
			}
		}
	}
	return assigned
}

// numbers of the topic that has the most partitions.
func numbers(partitions map[string]int) int {
	most := 0
	for _, n := range partitions {
		most = max(most, n)
	}
	return most
}

// share returns the owner of each number.
func share(claims []claim, numbers int) []string {
	claims = slices.Clone(claims)
	slices.SortFunc(claims, func(a, b claim) int { return cmp.Compare(a.member, b.member) })
	owners := make([]string, numbers)
	if len(claims) == 0 {
		return owners
	}
	held := held(claims, numbers)

	// Those that hold the most keep one more where the shares are not even, so
	// that nothing moves only for the sake of the remainder.
	order := slices.Clone(claims)
	slices.SortStableFunc(order, func(a, b claim) int { return cmp.Compare(len(held[b.member]), len(held[a.member])) })
	quota := make(map[string]int, len(order))
	for i, c := range order {
		quota[c.member] = numbers / len(order)
		if i < numbers%len(order) {
			quota[c.member]++
		}
	}
	for _, c := range order {
		for _, number := range held[c.member][:min(quota[c.member], len(held[c.member]))] {
			owners[number] = c.member
			quota[c.member]--
		}
	}
	next := 0
	for number, owner := range owners {
		if owner != "" {
			continue
		}
		for quota[order[next].member] == 0 {
			next++
		}
		owners[number] = order[next].member
		quota[order[next].member]--
	}
	return owners
}

// held are the numbers that each member may keep: of two that claim the same,
// the one of the later generation, since the other missed a rebalance.
func held(claims []claim, numbers int) map[string][]int {
	by := make([]*claim, numbers)
	for i := range claims {
		c := &claims[i]
		for _, number := range c.numbers {
			if number >= 0 && number < numbers && (by[number] == nil || by[number].generation < c.generation) {
				by[number] = c
			}
		}
	}
	held := make(map[string][]int)
	for number, c := range by {
		if c != nil {
			held[c.member] = append(held[c.member], number)
		}
	}
	return held
}

// subscriber is the owner if it reads the topic, else the first that does:
// members differ in topics only while a new version is rolled out.
func subscriber(claims []claim, owner, topic string) string {
	first := ""
	for i := range claims {
		c := &claims[i]
		if !slices.Contains(c.topics, topic) {
			continue
		}
		if c.member == owner {
			return owner
		}
		if first == "" || c.member < first {
			first = c.member
		}
	}
	return first
}

// encodeClaim and decodeClaim put generation and numbers into the user data of
// a member's subscription. What cannot be decoded claims nothing.
func encodeClaim(generation int64, numbers []int) []byte {
	b := binary.AppendVarint(nil, generation)
	for _, n := range numbers {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

func decodeClaim(b []byte) (generation int64, numbers []int) {
	c := cursor{rest: b}
	generation = c.varint()
	for len(c.rest) > 0 {
		numbers = append(numbers, int(c.varint()))
	}
	if c.bad {
		return 0, nil
	}
	return generation, numbers
}
