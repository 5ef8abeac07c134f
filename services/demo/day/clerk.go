package day

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/staffetta/staffetta/services/demo/rest"
)

// fields of an item, as they are sent.
type fields = map[string]any

// change is one version of an item, as an answer told of it.
type change struct {
	ref     string
	event   string // create, update or delete
	version int64
	// document is the item as it was answered; nil of a deletion.
	document json.RawMessage
	// user is the ref of who acted; empty: nobody.
	user string
}

// book is what was answered. It is safe for concurrent use.
type book struct {
	mu       sync.Mutex
	changes  []change
	requests int
	// refused is how many changes were refused, as they should be.
	refused int
	// faults are sums that were not as the day has them.
	faults []string
}

func (b *book) note(changes ...change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = append(b.changes, changes...)
	b.requests++
}

func (b *book) noteRefusal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused++
	b.requests++
}

func (b *book) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// clerk makes changes, one after the other.
type clerk struct {
	client *rest.Client
	book   *book
	random *rand.Rand
	date   string
	crew   []int64
	// spent is how many changes were made.
	spent int
}

// item is what later changes need to know of one.
type item struct {
	id      int64
	version int64
	path    string
	total   json.Number
}

func (i item) ref() string { return i.path + "/" + strconv.FormatInt(i.id, 10) }

// create makes an item, or several at once.
func (c *clerk) create(ctx context.Context, path string, items ...fields) ([]item, error) {
	return c.write(ctx, http.MethodPost, path, path, "create", several(items))
}

// act makes an item out of another one.
func (c *clerk) act(ctx context.Context, of item, action, path string, body fields) (item, error) {
	made, err := c.write(ctx, http.MethodPost, of.ref()+"/"+action, path, "create", body)
	if err != nil {
		return item{}, err
	}
	return made[0], nil
}

// patch changes an item.
func (c *clerk) patch(ctx context.Context, of item, change fields) error {
	_, err := c.write(ctx, http.MethodPatch, of.ref(), of.path, "update", change)
	return err
}

func several(items []fields) any {
	if len(items) == 1 {
		return items[0]
	}
	return items
}

// write sends a change and notes what is answered.
func (c *clerk) write(ctx context.Context, method, target, path, event string, body any) ([]item, error) {
	user, headers := c.user()
	var answer json.RawMessage
	if err := c.client.Send(ctx, method, target, body, &answer, headers...); err != nil {
		return nil, err
	}
	documents := []json.RawMessage{answer}
	var many struct{ Items []json.RawMessage }
	if json.Unmarshal(answer, &many) == nil && many.Items != nil {
		documents = many.Items
	}
	items, changes := make([]item, len(documents)), make([]change, len(documents))
	for i, document := range documents {
		var it struct {
			ID, Version int64
			Ref         string
			Total       json.Number
		}
		if err := json.Unmarshal(document, &it); err != nil || it.ID == 0 || it.Ref == "" {
			return nil, fmt.Errorf("%s %s: the answer is no item: %s", method, target, document)
		}
		items[i] = item{id: it.ID, version: it.Version, path: path, total: it.Total}
		changes[i] = change{ref: it.Ref, event: event, version: it.Version, document: document, user: user}
	}
	c.book.note(changes...)
	c.spent += len(changes)
	return items, nil
}

// remove deletes items that nobody else has changed since: one, or several at once.
func (c *clerk) remove(ctx context.Context, items ...item) error {
	user, headers := c.user()
	target := items[0].ref()
	if len(items) > 1 {
		ids := make([]string, len(items))
		for i, it := range items {
			ids[i] = "id=" + strconv.FormatInt(it.id, 10)
		}
		target = items[0].path + "?" + strings.Join(ids, "&")
	}
	if err := c.client.Send(ctx, http.MethodDelete, target, nil, nil, headers...); err != nil {
		return err
	}
	changes := make([]change, len(items))
	for i, it := range items {
		changes[i] = change{ref: it.ref(), event: "delete", version: it.version + 1, user: user}
	}
	c.book.note(changes...)
	c.spent += len(changes)
	return nil
}

// refused expects that a change is refused with a status, for the rules forbid it.
func (c *clerk) refused(err error, what string, status int) error {
	if rest.Refused(err, status) {
		c.book.noteRefusal()
		return nil
	}
	if err != nil && !errors.As(err, new(*rest.Refusal)) {
		return err
	}
	c.book.fault("%s was not refused with %d: %v", what, status, err)
	return nil
}

// user is who acts, one of ten times nobody: their ref, and the header that says so.
func (c *clerk) user() (ref string, headers []string) {
	if len(c.crew) == 0 || c.random.IntN(10) == 0 {
		return "", nil
	}
	id := strconv.FormatInt(c.crew[c.random.IntN(len(c.crew))], 10)
	return "/crew/" + id, []string{"Staffetta-User", id}
}

// one is one of some words.
func (c *clerk) one(words ...string) string { return words[c.random.IntN(len(words))] }

// at is a time of the day, so many minutes after eight in the morning, in winter.
func (c *clerk) at(minutes int) string {
	return fmt.Sprintf("%sT%02d:%02d:00+01:00", c.date, 8+minutes/60, minutes%60)
}
