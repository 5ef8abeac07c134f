package day

import (
	"context"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/services/demo/rest"
)

// delivered is a version of an item as the first webhook was told of it.
type delivered struct {
	told
	event string // create, update or delete
	user  string
}

// compare looks at everything from each side.
func (s *Summary) compare(ctx context.Context, client *rest.Client, r *receiver, book *book) error {
	for _, fault := range book.faults {
		s.disagree("%s", fault)
	}
	// Rows that came after the last look are no disagreement.
	if _, err := r.logged(ctx, client); err != nil {
		return err
	}
	history := s.compareVersions(r.inboxes[0].all())
	s.compareAnswers(book, history)
	all := r.inboxes[0].all()
	for i, b := range r.inboxes {
		var meant []event
		for _, e := range all {
			if b.wants(e.store) {
				meant = append(meant, e)
			}
		}
		for _, fault := range b.refused {
			s.disagree("%s got a request that it could not take: %s", b.name(), fault)
		}
		if i > 0 {
			s.compareEvents(b, meant)
		}
		if b.ordered {
			s.compareOrder(b)
		}
		s.compareLog(b, meant)
	}
	return s.compareStates(ctx, client, history)
}

// compareVersions expects each item's versions once each, from 1 without a gap, the first one
// a creation and only the last one a deletion.
func (s *Summary) compareVersions(events []event) map[string][]delivered {
	history := make(map[string][]delivered)
	for _, e := range events {
		_, kind, _ := strings.Cut(e.kind, ".")
		for _, it := range e.items {
			history[it.ref] = append(history[it.ref], delivered{told: it, event: kind, user: e.user})
		}
	}
	for ref, versions := range history {
		for i, v := range versions {
			switch {
			case v.version != int64(i)+1:
				s.disagree("%s: version %d was delivered where version %d was due", ref, v.version, i+1)
			case (v.event == "create") != (i == 0), v.event == "delete" && i < len(versions)-1:
				s.disagree("%s: version %d of %d is a %s", ref, v.version, len(versions), v.event)
			}
		}
		s.ItemVersions += len(versions)
	}
	s.Items = len(history)
	return history
}

// compareAnswers expects what was answered to have been delivered, byte for byte.
func (s *Summary) compareAnswers(book *book, history map[string][]delivered) {
	for _, c := range book.changes {
		versions := history[c.ref]
		if c.version > int64(len(versions)) {
			s.disagree("%s: version %d was answered and not delivered", c.ref, c.version)
			continue
		}
		v := versions[c.version-1]
		if v.event != c.event || v.user != c.user {
			s.disagree("%s: version %d was a %s by %q, and delivered as a %s by %q", c.ref, c.version, c.event, c.user, v.event, v.user)
		}
		if c.document != nil && string(c.document) != string(v.data) {
			s.disagree("%s: version %d was answered as %s and delivered as %s", c.ref, c.version, c.document, v.data)
		}
	}
}

// compareEvents expects another webhook to have been told the same, as far as its
// format says it.
func (s *Summary) compareEvents(b *inbox, meant []event) {
	format := fmt.Sprint(b.body["format"])
	full := b.body["payload"] == "full" || b.perItem
	want := make(map[string]int)
	for _, e := range meant {
		if !b.perItem {
			want[e.text(format, full, e.items...)]++
			continue
		}
		for _, it := range e.items {
			want[e.text(format, full, it)]++
		}
	}
	for _, e := range b.all() {
		text := e.text(format, full, e.items...)
		if want[text]--; want[text] < 0 {
			s.disagree("%s was told what is not so, or told it twice: %s", b.name(), text)
		}
	}
	for text, n := range want {
		if n > 0 {
			s.disagree("%s was not told: %s", b.name(), text)
		}
	}
}

// text is an event as a format tells it: the same if two requests say the same.
func (e event) text(format string, full bool, items ...told) string {
	var b strings.Builder
	b.WriteString(e.kind)
	switch format {
	case "rentman":
		fmt.Fprintf(&b, " %s %s", e.date, e.user)
	case "cassa-in-cloud":
	default:
		fmt.Fprintf(&b, " %s %s %s %s", e.id, e.date, e.store, e.user)
	}
	for _, it := range items {
		switch {
		case format == "rentman" && strings.HasSuffix(e.kind, ".delete"):
			b.WriteString(" " + it.id)
		case format == "rentman":
			fmt.Fprintf(&b, " %s %s %s", it.id, it.ref, it.parent)
		case format == "cassa-in-cloud":
			fmt.Fprintf(&b, " %s", it.data)
		default:
			fmt.Fprintf(&b, " %s %s %d %s", it.id, it.ref, it.version, it.parent)
			if full {
				fmt.Fprintf(&b, " %s", it.data)
			}
		}
	}
	return b.String()
}

// compareOrder expects the versions of each item to have come in their order.
func (s *Summary) compareOrder(b *inbox) {
	last := make(map[string]int64)
	for _, e := range b.all() {
		for _, it := range e.items {
			number := it.version
			if b.perItem && strings.HasSuffix(e.kind, ".delete") {
				number++ // its last data are those of the version before
			}
			if number <= last[it.ref] {
				s.disagree("%s was told of version %d of %s after version %d", b.name(), number, it.ref, last[it.ref])
			}
			last[it.ref] = number
		}
	}
}

func (b *inbox) name() string {
	text := fmt.Sprint(b.body["format"])
	for _, option := range []string{"payload", "cloudevents", "language", "stores"} {
		if value, ok := b.body[option]; ok {
			text += fmt.Sprintf(" %v", value)
		}
	}
	return text
}
