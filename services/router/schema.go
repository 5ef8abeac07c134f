package router

import (
	"fmt"
	"slices"
	"unique"

	"github.com/staffetta/staffetta/pkg/hook"
)

// reasonBreaksSchema joins codec's reasons: the data of an item is not what its
// account wants of its type, or that cannot be told.
const reasonBreaksSchema = "breaks_schema"

// maxItemSchemas bounds the schemas that are kept compiled: 1,000 at 100 kB are
// 100 MB. Of more, the least used are compiled again.
const maxItemSchemas = 1000

// itemSchema is what an account wants of an item type.
type itemSchema struct {
	itemType string
	text     unique.Handle[string]
}

func itemSchemas(of []hook.ItemSchema) []itemSchema {
	if len(of) == 0 {
		return nil
	}
	list := make([]itemSchema, len(of))
	for i, s := range of {
		list[i] = itemSchema{itemType: s.ItemType, text: unique.Make(string(s.Schema))}
	}
	return list
}

// checkData checks an event's data against its account's schema, if there is one.
// What is deleted needs no data that is right.
func (s *Service) checkData(event *hook.Event, index *Index) error {
	if len(index.schemas) == 0 || event.Type == hook.Delete || event.Type == hook.NoticeEvent {
		return nil
	}
	at := slices.IndexFunc(index.schemas, func(s itemSchema) bool { return s.itemType == event.ItemType })
	if at < 0 {
		return nil
	}
	schema, err := s.schemas.Get(index.schemas[at].text)
	if err != nil {
		return fmt.Errorf("the data cannot be checked: %w", err)
	}
	return schema.Check(event.Items)
}
