package hook

// Selection is a set of the items of an event, those that a webhook's filter
// lets through: bit n%8 of byte n/8 stands for Items[n]. nil stands for all of
// them. It is written once, then shared.
type Selection []byte

// NewSelection makes an empty one for an event of so many items.
func NewSelection(items int) Selection { return make(Selection, (items+7)/8) }

// Add puts an item in.
func (s Selection) Add(item int) { s[item/8] |= 1 << (item % 8) }

// Has reports whether an item is in it.
func (s Selection) Has(item int) bool {
	return s == nil || item/8 < len(s) && s[item/8]&(1<<(item%8)) != 0
}

// Of is the event with the selected items only, the same one if that is all of
// them. It shares the event's memory. It has no items if none is selected.
func (s Selection) Of(e *Event) *Event {
	if s == nil {
		return e
	}
	few := *e
	few.Items = nil
	for n := range e.Items {
		if s.Has(n) {
			few.Items = append(few.Items, e.Items[n])
		}
	}
	return &few
}
