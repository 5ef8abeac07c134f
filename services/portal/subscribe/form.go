package subscribe

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// What a webhook is told of.
const (
	everything = "all"
	chosen     = "some"
	notices    = "notices"
)

// masked stands for a value that the API keeps to itself; sent back it keeps it.
const masked = "***"

// form is what somebody filled in, as they wrote it.
type form struct {
	// What is everything, chosen or notices.
	What string
	// Types are those of the catalogue, Others are written by hand, separated by commas.
	Types           []string
	Others          string
	Events, Notices []string
	URL             string
	// Enable also enables a disabled webhook.
	Enable bool
	// Where is everything or chosen; OtherStores are ids written by hand.
	Where       string
	Stores      []string
	OtherStores string

	Format, Language, Payload, CloudEvents, Signature string
	Description, Filter, Secret                       string
	// Headers has a line for each.
	Headers string
	Auth    authForm
	// Retry are durations, separated by commas.
	Retry, Rate, Concurrency, Timeout    string
	Ordering, Coalesce, OnPause, OnQuota string
	// SampleType and SampleEvent are of the event that the preview shows.
	SampleType, SampleEvent string
}

type authForm struct {
	Type, Username, Password, Token, TokenURL, ClientID, ClientSecret, Scopes, Audience, Certificate, Key string
}

// newForm has every default.
func newForm() form {
	f := form{
		What: everything, Events: words(hook.EventTypes), Where: everything,
		Format: string(hook.FormatStandard), Language: string(hook.English), Payload: string(hook.Thin),
		CloudEvents: string(hook.Structured), Signature: string(hook.HMACSHA256), Auth: authForm{Type: string(hook.AuthNone)},
		Timeout: hook.DefaultTimeout.String(), OnPause: string(hook.Hold), OnQuota: string(hook.Defer),
		Ordering: string(hook.Unordered), Coalesce: string(hook.CoalesceNone),
	}
	var delays []string
	for _, delay := range hook.DefaultRetrySchedule {
		delays = append(delays, durationText(delay.String()))
	}
	f.Retry = strings.Join(delays, ", ")
	return f
}

// durationText is a duration as people write it: 5m, not 5m0s.
func durationText(text string) string {
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// formOf is the form of a webhook that is there, without its secrets; known are the item
// types and stores that can be chosen.
func formOf(w *client.Webhook, known choices) form {
	f := form{
		What: chosen, Events: words(w.EventTypes), Notices: words(w.Notices), URL: w.URL, Enable: true, Where: chosen,
		Format: string(w.Format), Language: string(w.Language), Payload: string(w.Payload), CloudEvents: string(w.Cloudevents),
		Signature: string(w.Signature), Description: w.Description, Retry: strings.Join(w.RetrySchedule, ", "), Timeout: w.Timeout,
		Ordering: string(w.Ordering), Coalesce: string(w.Coalesce), OnPause: string(w.OnPause), OnQuota: string(w.OnQuota),
		Auth: authForm{
			Type: string(w.Auth.Type), Username: text(w.Auth.Username), TokenURL: text(w.Auth.TokenURL), ClientID: text(w.Auth.ClientID),
			Audience: text(w.Auth.Audience), Certificate: text(w.Auth.Certificate),
		},
	}
	if w.Auth.Scopes != nil {
		f.Auth.Scopes = strings.Join(*w.Auth.Scopes, " ")
	}
	if w.Filter != nil {
		f.Filter = *w.Filter
	}
	if w.RateLimit != nil {
		f.Rate = strconv.FormatInt(*w.RateLimit, 10)
	}
	if w.Concurrency > 0 {
		f.Concurrency = strconv.FormatInt(w.Concurrency, 10)
	}
	switch {
	case len(w.Notices) > 0:
		f.What = notices
	case slices.Contains(w.ItemTypes, hook.AnyItemType):
		f.What = everything
	}
	var others []string
	for _, name := range w.ItemTypes {
		switch {
		case name == hook.AnyItemType:
		case known.hasType(name) || !writable(name):
			f.Types = append(f.Types, name)
		default:
			others = append(others, name)
		}
	}
	f.Others = strings.Join(others, ", ")
	if len(w.Stores) == 0 {
		f.Where = everything
	}
	others = nil
	for _, id := range w.Stores {
		if known.hasStore(id) || !writable(id) {
			f.Stores = append(f.Stores, id)
		} else {
			others = append(others, id)
		}
	}
	f.OtherStores = strings.Join(others, ", ")
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		f.Headers += name + ": " + w.Headers[name] + "\n"
	}
	return f
}

// formFrom reads a form that was sent.
func formFrom(r *http.Request) form {
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	return form{
		What: cmp.Or(get("what"), everything), Types: r.PostForm["type"], Others: get("others"), Events: r.PostForm["event"], Notices: r.PostForm["notice"],
		URL: get("url"), Enable: get("enable") != "", Where: cmp.Or(get("where"), everything), Stores: r.PostForm["store"], OtherStores: get("otherStores"),
		Format: get("format"), Language: get("language"), Payload: get("payload"), CloudEvents: get("cloudevents"), Signature: get("signature"),
		// Browsers send CR LF.
		Description: strings.ReplaceAll(get("description"), "\r\n", "\n"), Filter: strings.ReplaceAll(r.PostForm.Get("filter"), "\r\n", "\n"), Secret: get("secret"),
		Headers: strings.ReplaceAll(get("headers"), "\r\n", "\n"),
		Auth: authForm{
			Type: cmp.Or(get("auth"), string(hook.AuthNone)), Username: get("username"), Password: r.PostForm.Get("password"), Token: get("bearer"),
			TokenURL: get("tokenUrl"), ClientID: get("clientId"), ClientSecret: r.PostForm.Get("clientSecret"), Scopes: get("scopes"),
			Audience: get("audience"), Certificate: get("certificate"), Key: get("key"),
		},
		Retry: get("retry"), Rate: get("rate"), Concurrency: get("concurrency"), Timeout: get("timeout"),
		Ordering: get("ordering"), Coalesce: get("coalesce"), OnPause: get("onPause"), OnQuota: get("onQuota"),
		SampleType: get("sampleType"), SampleEvent: get("sampleEvent"),
	}
}

// itemTypes are all that were chosen, or written.
func (f *form) itemTypes() []string {
	if f.What == everything {
		return []string{hook.AnyItemType}
	}
	return append(append([]string{}, f.Types...), parted(f.Others, between)...)
}

// between separates names that are written.
const between = ",\n"

// writable tells whether a name is the same when it is written: else it is to be ticked.
func writable(name string) bool { return slices.Equal(parted(name, between), []string{name}) }

func (f *form) stores() []string {
	if f.Where == everything {
		return []string{}
	}
	return append(append([]string{}, f.Stores...), parted(f.OtherStores, between)...)
}

// parted are the parts of a text between separators, without what is empty.
func parted(text, separators string) []string {
	parts := []string{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func words[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, w := range list {
		texts[i] = string(w)
	}
	return texts
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
