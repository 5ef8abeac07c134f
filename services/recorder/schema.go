package recorder

import (
	"fmt"
	"unique"

	"github.com/staffetta/staffetta/pkg/hook"
)

// maxItemSchemas bounds the schemas that are kept compiled, for all replays: 300 at
// 100 kB are 30 MB. Of more, the least used are compiled again.
const maxItemSchemas = 300

// itemSchemas are what an account wants of its items' data, by item type.
type itemSchemas map[string]unique.Handle[string]

func itemSchemasOf(list []hook.ItemSchema) itemSchemas {
	if len(list) == 0 {
		return nil
	}
	wanted := make(itemSchemas, len(list))
	for _, s := range list {
		wanted[s.ItemType] = unique.Make(string(s.Schema))
	}
	return wanted
}

// checkData checks an event's data against its account's schema, as the router
// does: what it puts into quarantine, nobody gets.
func (s *Service) checkData(e *hook.Event, wanted itemSchemas) error {
	text, ok := wanted[e.ItemType]
	if !ok || e.Type == hook.Delete {
		return nil
	}
	schema, err := s.schemas.Get(text)
	if err != nil {
		return fmt.Errorf("the data cannot be checked: %w", err)
	}
	return schema.Check(e.Items)
}
