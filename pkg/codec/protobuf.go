package codec

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

func decodeProtobuf(in Input, e *hook.Event, value []byte) error {
	var m eventv1.EntityChange
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, &m); err != nil {
		return refuse(NotProtobuf, "value", "", "must be a staffetta.event.v1.EntityChange: "+err.Error())
	}
	fromEntityChange(e, &m)
	var f faults
	if t := m.GetEventType(); e.Type == "" && t != eventv1.EventType_EVENT_TYPE_UNSPECIFIED {
		f.add(field("eventType"), strconv.Itoa(int(t)), ruleEventType)
	}
	for n := range e.Items {
		e.Items[n].Data = checkData(e.Items[n].Data, n, &f)
	}
	return finish(in, e, f)
}

func fromEntityChange(e *hook.Event, m *eventv1.EntityChange) {
	e.ID = m.GetId()
	e.Account = m.GetAccount()
	e.Store = m.GetStore()
	e.User = fromReference(m.GetUser())
	e.Type = fromEventType(m.GetEventType())
	e.ItemType = m.GetItemType()
	e.Date = m.GetEventDate()
	if len(m.GetItems()) == 0 {
		return
	}
	e.Items = make([]hook.Item, len(m.GetItems()))
	for n, item := range m.GetItems() {
		e.Items[n] = hook.Item{
			ID:      item.GetId(),
			Ref:     item.GetRef(),
			Version: item.Version,
			Parent:  fromReference(item.GetParent()),
		}
		if len(item.GetData()) > 0 {
			e.Items[n].Data = item.GetData()
		}
	}
}

func toEntityChange(e *hook.Event) *eventv1.EntityChange {
	m := &eventv1.EntityChange{
		Id:        e.ID,
		Account:   e.Account,
		User:      toReference(e.User),
		EventType: toEventType(e.Type),
		ItemType:  e.ItemType,
		EventDate: e.Date,
		Items:     make([]*eventv1.Item, len(e.Items)),
	}
	if e.Store != "" {
		m.Store = &e.Store
	}
	items := make([]eventv1.Item, len(e.Items)) // one allocation for all
	for n := range e.Items {
		from, to := &e.Items[n], &items[n]
		to.Id, to.Ref, to.Version, to.Data = from.ID, from.Ref, from.Version, from.Data
		to.Parent = toReference(from.Parent)
		m.Items[n] = to
	}
	return m
}

func fromReference(r *eventv1.Reference) *hook.Reference {
	if r == nil {
		return nil
	}
	return &hook.Reference{ID: r.GetId(), ItemType: r.GetItemType(), Ref: r.GetRef()}
}

func toReference(r *hook.Reference) *eventv1.Reference {
	if r == nil {
		return nil
	}
	return &eventv1.Reference{Id: r.ID, ItemType: r.ItemType, Ref: r.Ref}
}

func fromEventType(t eventv1.EventType) hook.EventType {
	switch t {
	case eventv1.EventType_EVENT_TYPE_CREATE:
		return hook.Create
	case eventv1.EventType_EVENT_TYPE_UPDATE:
		return hook.Update
	case eventv1.EventType_EVENT_TYPE_DELETE:
		return hook.Delete
	case eventv1.EventType_EVENT_TYPE_NOTICE:
		return hook.NoticeEvent // which check refuses from upstream
	default:
		return ""
	}
}

func toEventType(t hook.EventType) eventv1.EventType {
	switch t {
	case hook.Create:
		return eventv1.EventType_EVENT_TYPE_CREATE
	case hook.Update:
		return eventv1.EventType_EVENT_TYPE_UPDATE
	case hook.Delete:
		return eventv1.EventType_EVENT_TYPE_DELETE
	case hook.NoticeEvent:
		return eventv1.EventType_EVENT_TYPE_NOTICE
	default:
		return eventv1.EventType_EVENT_TYPE_UNSPECIFIED
	}
}
