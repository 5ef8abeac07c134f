package publish

import (
	"fmt"
	"maps"
	"slices"
)

// Unpublished says which events of a batch are not known to be in Kafka; all
// others are. errors.Is and errors.As look at every one of its Errors.
type Unpublished struct {
	// Of how many.
	Of int
	// Errors by the event's place in the batch.
	Errors map[int]error
}

// Error names the first of them.
func (u *Unpublished) Error() string {
	first := u.places()[0]
	return fmt.Sprintf("publish: %d of %d events are not known to be published, the first [%d]: %s",
		len(u.Errors), u.Of, first, u.Errors[first])
}

// Unwrap gives the errors in the order of the batch.
func (u *Unpublished) Unwrap() []error {
	var all []error
	for _, i := range u.places() {
		all = append(all, u.Errors[i])
	}
	return all
}

func (u *Unpublished) places() []int { return slices.Sorted(maps.Keys(u.Errors)) }
