package sender

// maxIdle is how many goroutines wait for tasks, at most; at 16 KB of stack each
// these are 4 MB.
const maxIdle = 256

// start has a task worked on that was started. A goroutine whose last task is done
// takes it if there is one: a new one has a stack to grow first, by a request's
// depth, which is a tenth of what the request costs.
func (s *Service) start(t *task) {
	select {
	case s.idle <- t:
	default:
		go s.toil(t)
	}
}

// toil works on a task and then on those that come, as long as the sender lives
// and not too many wait.
func (s *Service) toil(t *task) {
	for {
		s.work(t)
		if s.idling.Add(1) > maxIdle {
			s.idling.Add(-1)
			return
		}
		select {
		case t = <-s.idle:
			s.idling.Add(-1)
		case <-s.lifetime.Done():
			return
		}
	}
}

// work tries a task that was started, and goes on with those whose turn it is.
func (s *Service) work(t *task) {
	for t != nil {
		t = t.owner.try(t)
		if t == nil {
			t = s.turns.next()
		}
	}
}

// startWaiting starts whatever has its turn.
func (s *Service) startWaiting() {
	for t := s.turns.next(); t != nil; t = s.turns.next() {
		s.start(t)
	}
}
