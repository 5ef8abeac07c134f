package filter_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/hook"
)

// invoice is an event of two items.
func invoice() *hook.Event {
	version := int64(3)
	return &hook.Event{
		ID: "evt_1", Account: "acme", Store: "7", User: &hook.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
		Type: hook.Update, ItemType: "Invoice", Date: "2023-02-02T12:07:01+01:00",
		Items: []hook.Item{
			{
				ID: "12014", Ref: "/invoices/12014", Version: &version, Parent: &hook.Reference{ID: "5", ItemType: "Project"},
				Data: []byte(`{"total": 1500, "customer": {"name": "Rossi", "tags": ["vip", "it"]}, "paid": true, "note": null,
					"lines": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 0.5}]}`),
			},
			{ID: "B-7"},
		},
	}
}

func TestAFilterSeesTheEventAsItsJSONHasIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression string
		want       string // a letter for each item: y, n, or ! for no answer
	}{
		{`true`, "yy"},
		{`event.itemType == "Invoice"`, "yy"},
		{`event.eventType in ["create", "delete"]`, "nn"},
		{`event.account == "acme" && event.store == "7" && event.id == "evt_1"`, "yy"},
		{`event.user.id == 33 && event.user.itemType == "Crew" && event.user.ref == "/crew/33"`, "yy"},
		{`timestamp(event.eventDate) < timestamp("2023-02-02T12:00:00Z")`, "yy"},
		// An id is a number if it is written like one.
		{`item.id == 12014`, "yn"},
		{`item.id == 12014.0`, "yn"},
		{`item.id == "12014"`, "nn"},
		{`item.id == "B-7"`, "ny"},
		{`string(item.id).startsWith("B-")`, "ny"},
		{`item.id in [12014, "B-7"]`, "yy"},
		// What is absent is null.
		{`item.ref == null`, "ny"},
		{`has(item.version)`, "yn"},
		{`item.version >= 3`, "y!"},
		{`item.version > 2.5`, "y!"},
		{`item.version == null`, "ny"},
		{`item.parent == null`, "ny"},
		{`has(item.parent) && item.parent.id == 5`, "yn"},
		{`item.parent.itemType == "Project"`, "y!"},
		{`item.data == null`, "ny"},
		// Data is what was published; its numbers are doubles.
		{`event.itemType == "Invoice" && item.data.total > 1000.0`, "y!"},
		{`has(item.data.total) && item.data.total > 1000`, "yn"},
		{`item.data.?total.orValue(0.0) > 1000.0`, "yn"},
		{`item.data.total / 4.0 == 375.0`, "y!"},
		{`item.data.customer.name.lowerAscii() == "rossi"`, "y!"},
		{`item.data.customer.name.matches("^R.*i$")`, "y!"},
		{`"vip" in item.data.customer.tags`, "y!"},
		{`item.data.lines.exists(l, l.qty < 1)`, "y!"},
		{`item.data.lines.all(l, l.qty > 1)`, "n!"},
		{`item.data["lines"][1].sku == "b"`, "y!"},
		{`item.data.paid`, "y!"},
		{`item.data.note == null`, "y!"},
		{`item.data.total`, "!!"},
		{`dyn(event).itemType == "Invoice" && dyn(item).id == 12014`, "yn"},
		{`event == event && item == item`, "yy"},
	} {
		f, err := filter.Compile(c.expression)
		require.NoError(t, err, c.expression)
		event := invoice()
		r, err := f.Select(context.Background(), filter.NewSubject(event))
		require.NoError(t, err, c.expression)
		require.Equal(t, strings.Count(c.want, "y"), r.Count, "%s: %v", c.expression, r.Err)
		require.Equal(t, strings.Count(c.want, "!"), r.Failed, "%s: %v", c.expression, r.Err)
		require.Equal(t, r.Failed > 0, r.Err != nil)
		if r.Count == 1 {
			for n := range event.Items {
				require.Equal(t, c.want[n] == 'y', r.Items.Has(n), c.expression)
			}
		} else {
			require.Nil(t, r.Items, "all or none needs no list")
		}
	}
}

func TestAFaultPointsAtItsColumn(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		``:                            "has 0 characters, which is not between 1 and 4096",
		`item.data.total >`:           "1:18: Syntax error: mismatched input '<EOF>'",
		`event.itmType == "x"`:        `1:6: undefined field 'itmType' at .itmType == "x"`,
		"true &&\n  itm.id == 3":      `2:3: undeclared reference to 'itm' (did you mean 'item'?) at itm.id == 3`,
		`event.account > 3`:           "1:15: found no matching overload for '_>_'",
		`item.data.name.matches("(")`: "1:24: invalid matches argument",
		`item.data.text.matches(item.data.pattern)`:        `1:33: the pattern of matches must be a literal`,
		`true && matches(event.account, "a" + "b")`:        `1:36: the pattern of matches must be a literal`,
		`item.data.a.exists(x, x.matches(x))`:              `1:33: the pattern of matches must be a literal`,
		`event.account.matches("(?:(?:[ab]?c?){20}){30}")`: "1:23: invalid matches argument: the pattern is too large: it may have 200 instructions",
		`event.account`:                             "gives string, and must give bool",
		`item.version`:                              "gives wrapper(int), and must give bool",
		`item.data.a.replace("a", "bbbb") == ""`:    "1:20: the function 'replace' is not offered",
		`now() > timestamp("2023-02-02T12:00:00Z")`: "1:4: undeclared reference to 'now'",
	} {
		_, err := filter.Compile(expression)
		var fault *filter.Fault
		require.ErrorAs(t, err, &fault, expression)
		require.Contains(t, err.Error(), want, expression)
		require.NotContains(t, err.Error(), "\n")
	}
	var many []string
	for n := range 10 {
		many = append(many, fmt.Sprintf(`event.account.matches("%d(?:[ab]?c?){30}d")`, n))
	}
	_, err := filter.Compile(strings.Join(many, " || "))
	require.ErrorContains(t, err, "the patterns up to here have")
	_, err = filter.Compile(strings.Repeat(many[0]+" || ", 10) + "false")
	require.NoError(t, err, "equal ones count once")
	_, err = filter.Compile(strings.Repeat("a", filter.MaxLength+1))
	require.ErrorContains(t, err, "has 4097 characters")
}

func TestAFilterThatWouldCostTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	for expression, refused := range map[string]bool{
		`item.data.lines.exists(l, l.qty > 3.0)`:                                                 false,
		`item.data.lines.exists(l, l.tags.exists(t, t == "vip"))`:                                false,
		`item.data.a.exists(a, a.b.exists(b, b.c.exists(c, c == 1.0)))`:                          true,
		`item.data.a.exists(a, item.data.b.all(b, item.data.c.exists_one(c, a == b && b == c)))`: true,
		`[item.data.a].map(a, a+a)` + strings.Repeat(`.map(a, a+a)`, 40) + `[0] == ""`:           true,
	} {
		_, err := filter.Compile(expression)
		if refused {
			require.ErrorContains(t, err, "would cost up to", expression)
		} else {
			require.NoError(t, err, expression)
		}
	}
}

func TestWhatTheDataMakesExpensiveIsNoMatch(t *testing.T) {
	t.Parallel()
	f, err := filter.Compile(`item.data.a.exists(x, x.b.exists(y, y == 3.0))`)
	require.NoError(t, err)
	event := &hook.Event{Items: []hook.Item{{Data: []byte(`{"a": [{"b": [1` + strings.Repeat(",1", 200_000) + `]}]}`)}, {Data: []byte(`{"a": [{"b": [3]}]}`)}}}
	r, err := f.Select(context.Background(), filter.NewSubject(event))
	require.NoError(t, err)
	require.Equal(t, 1, r.Failed)
	require.ErrorContains(t, r.Err, "cost limit exceeded")
	require.True(t, r.Items.Has(1), "the other item has its answer")

	many := strings.Repeat(",1", 20_000)
	large := `{"list": [1` + many + `], "other": [2` + many + `], "text": "` + strings.Repeat("a", 200_000) + `", "pattern": "` + strings.Repeat("a?", 5000) + `"}`
	for name, expression := range map[string]string{
		"a pattern, looped":            `item.data.list.exists(x, item.data.text.matches("a.*b"))`,
		"a text that doubles":          `[item.data.text].map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a)[0] == "x"`,
		"a list that doubles":          `[item.data.list].map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a)[0] == item.data.list`,
		"a list searched in a loop":    `item.data.list.exists(x, 3.0 in item.data.list)`,
		"lists compared in a loop":     `item.data.list.exists(x, item.data.list == item.data.other)`,
		"the characters, in a loop":    `item.data.list.exists(x, size(item.data.text) < 3)`,
		"texts compared in a loop":     `item.data.list.exists(x, item.data.text < item.data.text)`,
		"a text converted in a loop":   `item.data.list.exists(x, bytes(item.data.text) == b"x")`,
		"a text in lower case, looped": `item.data.list.exists(x, item.data.text.lowerAscii() == "x")`,
	} {
		f, err := filter.Compile(expression)
		require.NoError(t, err, name)
		event := &hook.Event{Items: []hook.Item{{Data: []byte(large)}}}
		r, err := f.Select(context.Background(), filter.NewSubject(event))
		require.NoError(t, err, name)
		require.Equal(t, 1, r.Failed, "%s: %v", name, r.Err)
	}
}

func TestAPatternIsPaidForByItsSizeAndRefusedBeforehand(t *testing.T) {
	t.Parallel()
	ask := func(expression string, length int) filter.Result {
		f, err := filter.Compile(expression)
		require.NoError(t, err)
		event := &hook.Event{Items: []hook.Item{{Data: []byte(`{"text": "` + strings.Repeat("ab", length/2) + `"}`)}}}
		r, err := f.Select(context.Background(), filter.NewSubject(event))
		require.NoError(t, err)
		return r
	}
	const large = `"(?:[ab]?c?){40}d"` // 163 instructions
	for _, call := range []string{`item.data.text.matches(` + large + `)`, `matches(item.data.text, ` + large + `)`, `dyn(item.data.text).matches(` + large + `)`} {
		r := ask(call, 900_000)
		require.Equal(t, 1, r.Failed)
		require.ErrorContains(t, r.Err, "a text of 900000 bytes is too long for a pattern of 163 instructions")
		require.Equal(t, 0, ask(call, 10_000).Failed)
	}
	require.ErrorContains(t, ask(`[1, 2, 3].all(n, !item.data.text.matches(`+large+`))`, 10_000).Err, "cost limit exceeded")
	require.Equal(t, 1, ask(`item.data.text.matches("^(ab)+$")`, 100_000).Count)
}

func TestFiltersTogetherCostAnEventSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	event := &hook.Event{Items: make([]hook.Item, 10_000)}
	// As many steps as the list has texts, by the estimate that goes for a filter
	// which need not count.
	f, err := filter.Compile(`item.id in ["a"` + strings.Repeat(`,"a"`, 1000) + `]`)
	require.NoError(t, err)
	s := filter.NewSubject(event)
	r, err := f.Select(context.Background(), s)
	require.NoError(t, err)
	require.Positive(t, r.Failed)
	require.ErrorContains(t, r.Err, "all filters of the account together")
	simple, err := filter.Compile(`item.id == 1`)
	require.NoError(t, err)
	r, err = simple.Select(context.Background(), s)
	require.NoError(t, err)
	require.Equal(t, 10_000, r.Failed, "whoever is asked afterwards has no answer")
}

func TestAFilterEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, expression := range []string{`item.data.a.exists(x, x == 2.0)`, `event.account == "acme"`} {
		f, err := filter.Compile(expression)
		require.NoError(t, err)
		_, err = f.Select(ctx, filter.NewSubject(invoice()))
		require.ErrorIs(t, err, context.Canceled)
	}
}

// The race detector looks at this one: checkers share the language.
func TestGoodAndBadExpressionsAreCompiledAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 20 {
		for expression, good := range map[string]bool{
			`item.data.a.exists(x, x == 2.0)`:         true,
			`itm.id == 3`:                             false,
			`nothing(item)`:                           false,
			`event.itmType == "x"`:                    false,
			`item.data.a.exists(x, x == itm.data.b)`:  false,
			`item.data.a.all(x, x.exists(y, y == z))`: false,
		} {
			all.Go(func() {
				_, err := filter.Compile(expression)
				assert.Equal(t, good, err == nil, "%s: %v", expression, err)
			})
		}
	}
	all.Wait()
}

func TestAnExpressionIsCompiledOnce(t *testing.T) {
	t.Parallel()
	c := filter.NewCache(2)
	first, err := c.Get(`item.id == 1`)
	require.NoError(t, err)
	again, err := c.Get(`item.id == 1`)
	require.NoError(t, err)
	require.Same(t, first, again)
	_, err = c.Get(`item.`)
	require.Error(t, err)
	_, err = c.Get(`item.`)
	require.Error(t, err, "a fault is remembered")
	_, err = c.Get(`item.id == 2`)
	require.NoError(t, err)
	again, err = c.Get(`item.id == 1`)
	require.NoError(t, err)
	require.NotSame(t, first, again, "what was used longest ago makes room")
}
