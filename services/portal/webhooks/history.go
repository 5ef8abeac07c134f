package webhooks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// change is an entry of a webhook's history.
type change struct {
	At time.Time
	// Word says what was done, else Raw; Who did it: a text if Name is empty.
	Word, Raw, Who, Name string
	// Reason is a text; mostly empty.
	Reason string
	Fields []fieldChange
}

// fieldChange is what became of one setting.
type fieldChange struct {
	// Word is what it is called, else Raw.
	Word, Raw string
	// From and To are empty for no value. Secret: they are not told.
	From, To string
	Secret   bool
}

func newChange(e *client.HistoryEntry, n *labels) change {
	c := change{At: e.At, Who: "who." + string(e.Actor.Type)}
	if key := "op." + e.Operation; known(key) {
		c.Word = key
	} else {
		c.Raw = e.Operation
	}
	if e.Actor.Name != nil && *e.Actor.Name != "" {
		c.Name = *e.Actor.Name
	} else if e.Actor.ID != nil && e.Actor.Type == client.ActorType(hook.ActorKey) {
		c.Name = *e.Actor.ID
	}
	if !known(c.Who) {
		c.Who = "who.system"
	}
	if e.Operation == "disable-webhook" {
		c.Reason = "why.failures"
		if e.Reason != nil && *e.Reason == string(hook.ReasonGone) {
			c.Reason = "why.gone"
		}
	}
	if e.Operation == "create-webhook" { // all of it is new
		return c
	}
	for _, f := range e.Changes {
		if f.Field == "status" { // as what was done says
			continue
		}
		line := fieldChange{From: valueText(f.Field, f.From, n), To: valueText(f.Field, f.To, n), Secret: f.Secret != nil && *f.Secret}
		if key := "field." + f.Field; known(key) {
			line.Word = key
		} else {
			line.Raw = f.Field
		}
		c.Fields = append(c.Fields, line)
	}
	return c
}

// known reports whether the page of a webhook has a text.
func known(key string) bool {
	_, there := historyWords[key]
	return there
}

// valueText is a value of a setting as people read it.
func valueText(field string, value any, n *labels) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []any:
		list := make([]string, len(value))
		for i, one := range value {
			list[i] = fmt.Sprint(one)
		}
		switch field {
		case "itemTypes":
			list = n.typeNames(list)
		case "stores":
			list = n.storeNames(list)
		case "retrySchedule":
			for i := range list {
				list[i] = readable(list[i])
			}
		}
		return strings.Join(list, ", ")
	case string:
		if slices.Contains([]string{"timeout"}, field) {
			return readable(value)
		}
		return value
	default:
		return fmt.Sprint(value)
	}
}
