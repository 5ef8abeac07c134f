package sender

import "sync"

// memorySpan is the number of finished tasks that a partition remembers. What
// a killed router or sender writes twice lies close together: at 8,000/s over 8
// partitions this is a minute; at about 150 bytes each some 8 MB.
const memorySpan = 50_000

// memory knows the tasks of a partition that are open, and those that finished
// lately, so that a twin is not posted again.
type memory struct {
	mu   sync.Mutex
	open map[identity][]func() // what is to be called with the first one's
	done map[identity]struct{}
	ring []identity
	next int
}

func newMemory() *memory {
	return &memory{open: map[identity][]func(){}, done: map[identity]struct{}{}}
}

// admit reports whether the task is new. A twin of one that is open shares its
// fate: finished is called with the other's. A twin of one that is done is done.
func (m *memory) admit(id identity, finished func()) bool {
	m.mu.Lock()
	if _, ok := m.done[id]; ok {
		m.mu.Unlock()
		finished()
		return false
	}
	defer m.mu.Unlock()
	if others, ok := m.open[id]; ok {
		m.open[id] = append(others, finished)
		return false
	}
	m.open[id] = nil
	return true
}

// finish notes that a task's fate is durable, and releases its twins.
func (m *memory) finish(id identity) {
	m.mu.Lock()
	twins := m.open[id]
	delete(m.open, id)
	if len(m.ring) < memorySpan {
		m.ring = append(m.ring, id)
	} else {
		delete(m.done, m.ring[m.next])
		m.ring[m.next] = id
		m.next = (m.next + 1) % memorySpan
	}
	m.done[id] = struct{}{}
	m.mu.Unlock()
	for _, finished := range twins {
		finished()
	}
}

// forget takes an open task out whose fate somebody else decides now.
func (m *memory) forget(id identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, id)
}
