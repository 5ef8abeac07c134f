package filter

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// kind is a type of the language with its fields.
type kind struct {
	celType *types.Type
	fields  map[string]field
	names   []string
}

// field is how one is read; get gives nil for one that is not there.
type field struct {
	celType *types.Type
	get     func(*object) any
}

// object is an event, an item or a reference, as the language sees it. It has
// no copy: fields are read where they are.
type object struct {
	kind *kind
	// of is a *Subject, which knows the item whose turn it is, or a *hook.Reference.
	of any
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s is no %s", o.kind.celType.TypeName(), to)
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return o.kind.celType
	}
	return types.NewErr("%s is no %s", o.kind.celType.TypeName(), to.TypeName())
}

// Equal implements ref.Val: things are equal whose fields are.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	if !ok || p.kind != o.kind {
		return types.False
	}
	if o == p {
		return types.True
	}
	for _, name := range o.kind.names {
		mine, its := native(o.kind.fields[name].get(o)), native(p.kind.fields[name].get(p))
		if mine.Equal(its) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.kind.celType }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// Get implements traits.Indexer, for objects whose type the checker did not know.
func (o *object) Get(index ref.Val) ref.Val {
	name, _ := index.Value().(string)
	f, ok := o.kind.fields[name]
	if !ok {
		return types.NewErr("%s has no field %v", o.kind.celType.TypeName(), index.Value())
	}
	return native(f.get(o))
}

// IsSet implements traits.FieldTester.
func (o *object) IsSet(name ref.Val) ref.Val {
	text, _ := name.Value().(string)
	f, ok := o.kind.fields[text]
	return types.Bool(ok && f.get(o) != nil)
}

// native is a value as the language has it; nil is null.
func native(value any) ref.Val { return types.DefaultTypeAdapter.NativeToValue(value) }

// provider adds the kinds to the types that there are.
type provider struct {
	types.Provider
	kinds map[string]*kind
}

func newProvider(others types.Provider) *provider {
	return &provider{
		Provider: others,
		kinds: map[string]*kind{
			eventKind.celType.TypeName():     eventKind,
			itemKind.celType.TypeName():      itemKind,
			referenceKind.celType.TypeName(): referenceKind,
		},
	}
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if k, ok := p.kinds[name]; ok {
		return types.NewTypeTypeWithParam(k.celType), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if k, ok := p.kinds[name]; ok {
		return k.names, true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, member string) (*types.FieldType, bool) {
	k, ok := p.kinds[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, member)
	}
	f, ok := k.fields[member]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type: f.celType,
		IsSet: func(target any) bool {
			o, ok := target.(*object)
			return ok && f.get(o) != nil
		},
		GetFrom: func(target any) (any, error) {
			o, ok := target.(*object)
			if !ok {
				return nil, fmt.Errorf("no such key: %s, of null", member)
			}
			return f.get(o), nil
		},
	}, true
}

// newKind gives a type its fields.
func newKind(name string, fields map[string]field) *kind {
	k := &kind{celType: cel.ObjectType(name), fields: fields}
	for name := range fields {
		k.names = append(k.names, name)
	}
	return k
}
