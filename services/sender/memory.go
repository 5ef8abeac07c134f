package sender

import (
	"container/list"
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
	mu   sync.Mutex
	open map[identity]*list.Element
	// order has the open tasks, the first that was handed out in front.
	order *list.List
	done  map[identity]struct{}
	ring  []identity
	next  int
	// runs is the newest run of deliveries that had more than one lately.
	runs map[string]int64
}

// handedOut is a task that is open.
type handedOut struct {
	task  *task
	at    time.Time
	twins []func() // what is to be called with the task's own finished
}

func newMemory() *memory {
	return &memory{
		open: map[identity]*list.Element{}, order: list.New(), done: map[identity]struct{}{}, runs: map[string]int64{},
	}
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

// admit takes a task in, which is handed out now. A twin of one that is open shares its fate: finished is called with the
// other's. A twin of one that is done is done.
func (m *memory) admit(t *task, now time.Time) admitted {
	m.mu.Lock()
	_, done := m.done[t.identity]
	if _, ended := m.done[identity{t.delivery, t.run, ended}]; done || ended {
		m.mu.Unlock()
		t.finished()
		return twin
	}
	defer m.mu.Unlock()
	if e, ok := m.open[t.identity]; ok {
		other := handedOutOf(e)
		other.twins = append(other.twins, t.finished)
		return twin
	}
	m.open[t.identity] = m.order.PushBack(&handedOut{task: t, at: now})
	if t.run < m.runs[t.delivery] {
		return outrun
	}
	m.note(t.delivery, t.run)
	return fresh
}

// handedOutOf is what an element of the list is.
func handedOutOf(e *list.Element) *handedOut {
	h, _ := e.Value.(*handedOut) // nothing else is in the list
	return h
}

// oldest returns the open task that was handed out first, or false.
func (m *memory) oldest() (h handedOut, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	front := m.order.Front()
	if front == nil {
		return handedOut{}, false
	}
	return *handedOutOf(front), true
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
	twins := m.take(id)
	m.remember(id)
	if final && id.step > 0 {
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

func (m *memory) remember(id identity) {
	if _, ok := m.done[id]; ok {
		return
	}
	if len(m.ring) < memorySpan {
		m.ring = append(m.ring, id)
	} else {
		old := m.ring[m.next]
		delete(m.done, old)
		if m.runs[old.delivery] == old.run {
			delete(m.runs, old.delivery)
		}
		m.ring[m.next] = id
		m.next = (m.next + 1) % memorySpan
	}
	m.done[id] = struct{}{}
}

// take takes an open task out.
func (m *memory) take(id identity) (twins []func()) {
	e, ok := m.open[id]
	if !ok {
		return nil
	}
	delete(m.open, id)
	m.order.Remove(e)
	return handedOutOf(e).twins
}

// forget takes an open task out whose fate somebody else decides now.
func (m *memory) forget(id identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(id)
}

// all returns the open tasks.
func (m *memory) all() []*task {
	m.mu.Lock()
	defer m.mu.Unlock()
	tasks := make([]*task, 0, len(m.open))
	for e := m.order.Front(); e != nil; e = e.Next() {
		tasks = append(tasks, handedOutOf(e).task)
	}
	return tasks
}
