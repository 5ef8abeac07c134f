package entity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Collection declares one kind of item.
type Collection struct {
	// Path is the collection's name in URLs, such as "contact-persons".
	Path string
	// ItemType of its events, such as "ContactPerson".
	ItemType string
	// Fields with rules; others are allowed.
	Fields []Field
	// Parent is what its items belong to, or nil.
	Parent *Parent
	// Rules of its own, or nil.
	Rules Rules
	// Actions on one of its items.
	Actions []Action
}

// Parent says that items belong to items of another collection of the service.
type Parent struct {
	// Field holds the parent's id; it may be absent unless Fields say that it
	// is required, but if it is there the parent exists.
	Field string
	// Collection is the parent's Path.
	Collection string
}

// storeField is the one field that every collection knows: the point of sale.
const storeField = "store"

// ErrDeclaration says that a collection cannot be served as it is declared.
var ErrDeclaration = errors.New("collection declaration")

// byPath indexes collections and checks that they fit together.
func byPath(collections []Collection) (map[string]*Collection, error) {
	index := make(map[string]*Collection, len(collections))
	for _, c := range collections {
		if c.Path == "" || c.ItemType == "" {
			return nil, fmt.Errorf("%w: path and item type are required: %+v", ErrDeclaration, c)
		}
		if index[c.Path] != nil {
			return nil, fmt.Errorf("%w: /%s is declared twice", ErrDeclaration, c.Path)
		}
		for _, f := range c.Fields {
			if f.Name == "" || f.Rule == nil && !f.Derived || readOnly(f.Name) {
				return nil, fmt.Errorf("%w: /%s has the field %q without a rule, or it is the kit's own", ErrDeclaration, c.Path, f.Name)
			}
		}
		index[c.Path] = &c
	}
	for _, c := range collections {
		if c.Parent != nil && (c.Parent.Field == "" || index[c.Parent.Collection] == nil) {
			return nil, fmt.Errorf("%w: /%s has the parent /%s, which is not in this service", ErrDeclaration, c.Path, c.Parent.Collection)
		}
	}
	return index, nil
}

// ref is the path at which an item answers.
func (c *Collection) ref(id int64) string {
	return "/" + c.Path + "/" + strconv.FormatInt(id, 10)
}

// check judges a new item's own fields; path comes before the fields' names.
func (c *Collection) check(path string, fields object, faults *hook.Invalid) {
	c.checkDerived(path, fields, faults)
	c.checkFields(path, fields, faults)
}

// checkDerived judges that what a caller gives has nothing that the service sets.
func (c *Collection) checkDerived(path string, given object, faults *hook.Invalid) {
	refuse := func(name string) {
		if value, ok := given.get(name); ok {
			faults.AddJSON(path+name, value, "is set by the service and must be left out")
		}
	}
	for _, name := range readOnlyFields {
		refuse(name)
	}
	for _, f := range c.Fields {
		if f.Derived {
			refuse(f.Name)
		}
	}
}

// checkFields judges the fields that callers set.
func (c *Collection) checkFields(path string, fields object, faults *hook.Invalid) {
	checkFields(path, fields, c.Fields, faults)
	if value, ok := fields.get(storeField); ok && !isNull(value) {
		Text(1, maxStore).check(path+storeField, value, faults)
	}
	if c.Parent == nil {
		return
	}
	if value, ok := fields.get(c.Parent.Field); ok && !isNull(value) {
		ID().check(path+c.Parent.Field, value, faults)
	}
}

// maxStore is the longest id of a store, in characters.
const maxStore = 64

// storeOf is the item's point of sale, empty if it has none.
func storeOf(fields object) string {
	value, ok := fields.get(storeField)
	if !ok || isNull(value) {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil { // check has let strings through only
		return ""
	}
	return text
}

// parent is the id of the item's parent, 0 if it has none.
func (c *Collection) parent(fields object) int64 {
	if c.Parent == nil {
		return 0
	}
	value, ok := fields.get(c.Parent.Field)
	if !ok {
		return 0
	}
	id, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil { // null: check has let through nothing else
		return 0
	}
	return id
}

// readOnlyFields are set by the kit.
var readOnlyFields = []string{"id", "ref", "version", "createdAt", "updatedAt"}

func readOnly(name string) bool {
	for _, own := range readOnlyFields {
		if name == own {
			return true
		}
	}
	return false
}
