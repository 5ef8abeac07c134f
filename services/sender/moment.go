package sender

// Moment is a point on a task's way through the sender, between two things that
// last. Tests stop the process at each of them and see what the next one does.
type Moment string

// The moments, in their order.
const (
	// HandedOut: the task is open, nothing is decided.
	HandedOut Moment = "handed_out"
	// Posting: the request is about to be sent.
	Posting Moment = "posting"
	// Answered: the receiver has answered, and nobody else knows.
	Answered Moment = "answered"
	// Written: attempts has acknowledged the fate; a task to be parked is in no
	// tier yet.
	Written Moment = "written"
	// Parked: the tier has acknowledged the task; its record is still open.
	Parked Moment = "parked"
	// Finished: the record is done and not committed.
	Finished Moment = "finished"
	// Saved: a checkpoint of the gate is durable. It is nobody's in particular.
	Saved Moment = "saved"
	// Committed: the offsets were committed. It is nobody's in particular.
	Committed Moment = "committed"
)

// passes tells whoever wants to know that a task passes a moment.
func (s *Service) passes(m Moment, t *task) {
	if s.Passed == nil {
		return
	}
	delivery := ""
	if t != nil {
		delivery = t.delivery
	}
	s.Passed(m, delivery)
}
