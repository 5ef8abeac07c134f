package api

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// PageQuery is what lists take. It is exported, as the other parts of inputs
// are, since huma does not look into embedded types that are not.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"The most items to return."`
	Cursor string `query:"cursor" maxLength:"500" doc:"next of the page before."`
}

func (q PageQuery) page() hook.Page { return hook.Page{Limit: q.Limit, After: q.Cursor} }

// list is what lists answer.
type list[T any] struct {
	Items []T `json:"items" nullable:"false"`
	// Next is nil at the end.
	Next *string `json:"next" doc:"Cursor of the next page; null at the end."`
}

// listed is the answer of an operation that lists.
type listed[T any] struct {
	Body list[T]
}

// newList answers rows, each as shown; next is empty at the end.
func newList[R, T any](rows []R, next string, show func(R) T) *listed[T] {
	answer := &listed[T]{Body: list[T]{Items: make([]T, len(rows))}}
	for i, row := range rows {
		answer.Body.Items[i] = show(row)
	}
	if next != "" {
		answer.Body.Next = &next
	}
	return answer
}

// timeOrNull is nil for the zero time; all times are shown in UTC.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
