package sender

import (
	"sync"
	"time"
)

// memorySpan is the number of finished tasks that a partition remembers. What
// a killed router or sender writes twice lies close together: at 8,000/s over 8
// partitions this is a minute; at about 150 bytes each some 8 MB.
const memorySpan = 50_000

// memory knows the tasks of a partition that are open, and those that finished
// lately, so that a twin is not posted again.
type memory struct {
	mu sync.Mutex
	// known has the task while it is open, and nil or over once it is not.
	known map[identity]*task
	// open are the open tasks, the first that was handed out in front.
	open openTasks
	// ring are those that are done.
	ring []identity
	next int
	// runs is the newest run of deliveries that had more than one lately.
	runs map[string]int64
}

// What is known of tasks that are open no more: nil, or over if the fate of one's
// first step was final, so that the run has no others.
var over = &task{}

func newMemory() *memory {
	return &memory{known: map[identity]*task{}, runs: map[string]int64{}}
}

// handedOut is what the memory notes at a task while it is open.
type handedOut struct {
	at           time.Time
	twins        []func() // what is to be called with the task's own finished
	before, next *task    // in openTasks
}

// openTasks is a list through the tasks themselves: each delivery is in it once.
type openTasks struct{ first, last *task }

func (l *openTasks) add(t *task) {
	t.handed.before = l.last
	if l.last == nil {
		l.first = t
	} else {
		l.last.handed.next = t
	}
	l.last = t
}

func (l *openTasks) remove(t *task) {
	before, next := t.handed.before, t.handed.next
	if before == nil {
		l.first = next
	} else {
		before.handed.next = next
	}
	if next == nil {
		l.last = before
	} else {
		next.handed.before = before
	}
	t.handed.before, t.handed.next = nil, nil
}

// admission of a task to the memory.
type admitted int

const (
	// fresh: nobody has met it.
	fresh admitted = iota
	// twin of one that is open or done; its record is seen to.
	twin
	// outrun: a newer run of its delivery was met.
	outrun
)

// admit takes a task in, which is handed out now. A twin of one that is open
// shares its fate: finished is called with the other's. A twin of one that is
// done is done.
func (m *memory) admit(t *task, now time.Time) admitted {
	m.mu.Lock()
	other, met := m.known[t.identity]
	if !met && t.step > 0 { // a first step is met before its run can end
		_, met = m.known[identity{t.delivery, t.run, ended}]
		met = met || m.known[identity{t.delivery, t.run, 0}] == over
	}
	if met && (other == nil || other == over) {
		m.mu.Unlock()
		t.finished()
		return twin
	}
	defer m.mu.Unlock()
	if met {
		other.handed.twins = append(other.handed.twins, t.finished)
		return twin
	}
	t.handed = handedOut{at: now}
	m.known[t.identity] = t
	m.open.add(t)
	if t.run < m.runs[t.delivery] {
		return outrun
	}
	m.note(t.delivery, t.run)
	return fresh
}

// oldest returns the open task that was handed out first, and when; nil if there
// is none.
func (m *memory) oldest() (*task, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open.first == nil {
		return nil, time.Time{}
	}
	return m.open.first, m.open.first.handed.at
}

// since is the earliest since of the open tasks; zero if there is none.
func (m *memory) since() (first time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t := m.open.first; t != nil; t = t.handed.next {
		if first.IsZero() || t.since.Before(first) {
			first = t.since
		}
	}
	return first
}

// Steps that no task has: they stand for a run as a whole.
const (
	// noted: the run was met.
	noted = -1
	// ended: its fate is final, so a later step is what a sender wrote that had
	// stalled meanwhile.
	ended = -2
)

// finish notes that a task's fate is durable, and releases its twins. If it is
// final the whole run is over.
func (m *memory) finish(id identity, final bool) {
	m.mu.Lock()
	var twins []func()
	if t := m.known[id]; t != nil && t != over {
		twins = t.handed.twins
		m.open.remove(t)
		m.known[id] = nil
		m.keep(id)
	} else {
		m.remember(id)
	}
	switch {
	case final && id.step == 0:
		m.known[id] = over // costs no memory, unlike this:
	case final:
		m.remember(identity{id.delivery, id.run, ended})
	}
	m.mu.Unlock()
	for _, finished := range twins {
		finished()
	}
}

// recall notes tasks that finished at an owner before.
func (m *memory) recall(ids ...identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		m.remember(id)
		m.note(id.delivery, id.run)
	}
}

// run notes that a delivery had a run.
func (m *memory) run(delivery string, run int64) {
	if run == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remember(identity{delivery, run, noted}) // so that it is forgotten in its turn
	m.note(delivery, run)
}

func (m *memory) note(delivery string, run int64) {
	if run > m.runs[delivery] {
		m.runs[delivery] = run
	}
}

// remember notes that a task is done, unless it is known, or open.
func (m *memory) remember(id identity) {
	if _, ok := m.known[id]; ok {
		return
	}
	m.known[id] = nil
	m.keep(id)
}

// keep puts what is done in the ring, in the place of the oldest.
func (m *memory) keep(id identity) {
	if len(m.ring) < memorySpan {
		m.ring = append(m.ring, id)
	} else {
		old := m.ring[m.next]
		delete(m.known, old)
		if m.runs[old.delivery] == old.run {
			delete(m.runs, old.delivery)
		}
		m.ring[m.next] = id
		m.next = (m.next + 1) % memorySpan
	}
}

// forget takes an open task out whose fate somebody else decides now.
func (m *memory) forget(id identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.known[id]; t != nil && t != over {
		delete(m.known, id)
		m.open.remove(t)
	}
}

// all returns the open tasks.
func (m *memory) all() (tasks []*task) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t := m.open.first; t != nil; t = t.handed.next {
		tasks = append(tasks, t)
	}
	return tasks
}
