package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Limits of a webhook's settings beside those of package hook.
const (
	maxDescription = 500  // characters
	maxItemTypes   = 100  // entries
	maxItemType    = 100  // characters
	maxStores      = 1000 // entries
	maxStore       = 256  // bytes, as in events
	maxURL         = 2048 // bytes: what every server takes
	minTimeout     = time.Second
	maxConcurrency = 1000
)

// settings are the fields of a webhook that a body gives; nil ones stay.
type settings struct {
	description *string
	itemTypes   []string
	eventTypes  []hook.EventType
	notices     []hook.Notice
	url         *string
	stores      []string
	format      *hook.Format
	language    *hook.Language
	payload     *hook.Payload
	cloudEvents *hook.CloudEvents
	signature   *hook.Signature
	secret      *string
	schedule    []time.Duration
	concurrency *int
	rateLimit   *int
	timeout     *time.Duration
	onPause     *hook.OnPause
	onQuota     *hook.OnQuota
	headers     []hook.Header
	auth        *newAuth
	ordering    *hook.Ordering
	coalesce    *hook.Coalesce
	filter      *string
}

// readSettings reads a body, of a new webhook or of a change. The error lists
// every fault.
func (s *Service) readSettings(body []byte, isNew bool) (settings, error) {
	d, err := readDocument(body)
	if err != nil {
		return settings{}, err
	}
	return s.settingsOf(d, isNew), d.end(notSettable...)
}

// notSettable are fields that answers have and nobody sets.
var notSettable = []string{"id", "status", "publicKey", "oldSecretUntil", "filterErrors", "failures", "failingSince", "createdAt", "suspendedAt", "revokedAt"}

// settingsOf reads the settings among the members of a body.
func (s *Service) settingsOf(d *document, isNew bool) settings {
	d.secret = []string{"secret", "headers", "auth"}
	_, operational := d.members["notices"]
	if isNew && !operational {
		d.require("itemTypes")
	}
	if isNew {
		d.require("url")
	}
	read := settings{
		description: given(d.lines("description", 0, maxDescription)),
		itemTypes:   readItemTypes(d),
		eventTypes:  readEventTypes(d),
		notices:     readNotices(d),
		url:         s.readURL(d, "url"),
		stores:      readStores(d),
		format:      given(choice(d, "format", hook.Formats)),
		language:    given(choice(d, "language", hook.Languages)),
		payload:     given(choice(d, "payload", hook.Payloads)),
		cloudEvents: given(choice(d, "cloudevents", hook.CloudEventsModes)),
		signature:   given(choice(d, "signature", hook.Signatures)),
		secret:      given(read[string](d, "secret", "must be a string")),
		schedule:    readSchedule(d),
		concurrency: given(integer(d, "concurrency", 0, maxConcurrency)),
		rateLimit:   given(readRateLimit(d)),
		timeout:     given(d.duration("timeout", minTimeout, hook.MaxTimeout)),
		onPause:     given(choice(d, "onPause", hook.OnPauses)),
		onQuota:     given(choice(d, "onQuota", hook.OnQuotas)),
		headers:     readHeaders(d),
		auth:        s.readAuth(d),
		ordering:    given(choice(d, "ordering", hook.Orderings)),
		coalesce:    given(choice(d, "coalesce", hook.Coalesces)),
		filter:      given(readFilter(d)),
	}
	if isNew && read.notices != nil && len(read.notices) == 0 {
		d.require("itemTypes") // there are notices, but none is named
	}
	return read
}

// given is nil for what the body does not have.
func given[T any](value T, ok bool) *T {
	if !ok {
		return nil
	}
	return &value
}

func (c settings) apply(w *hook.Webhook) {
	set(&w.Description, c.description)
	set(&w.URL, c.url)
	set(&w.Format, c.format)
	set(&w.Language, c.language)
	set(&w.Payload, c.payload)
	set(&w.CloudEvents, c.cloudEvents)
	set(&w.Signature, c.signature)
	set(&w.Concurrency, c.concurrency)
	set(&w.RateLimit, c.rateLimit)
	set(&w.Timeout, c.timeout)
	set(&w.OnPause, c.onPause)
	set(&w.OnQuota, c.onQuota)
	set(&w.Ordering, c.ordering)
	set(&w.Coalesce, c.coalesce)
	set(&w.Filter, c.filter)
	setList(&w.ItemTypes, c.itemTypes)
	setList(&w.EventTypes, c.eventTypes)
	setList(&w.Notices, c.notices)
	setList(&w.Stores, c.stores)
	setList(&w.RetrySchedule, c.schedule)
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func setList[T any](field *[]T, value []T) {
	if value != nil {
		*field = value
	}
}

func readItemTypes(d *document) []string {
	types, _ := d.texts("itemTypes", 1, maxItemTypes, itemType)
	if len(types) > 1 && slices.Contains(types, hook.AnyItemType) {
		d.fault("itemTypes", strings.Join(types, ", "), "must be * alone or names without *")
	}
	return types
}

// itemType is the name of an item type as it is kept, or the rule that it breaks.
func itemType(text string) (kept, rule string) {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	n := len([]rune(text))
	// What is not UTF-8 counts as printable characters, and a path may have it.
	if n == 0 || n > maxItemType || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) || strings.TrimSpace(text) != text {
		return "", "must be 1 to 100 printable characters, such as Contact"
	}
	return catalogue.Canonical(text), ""
}

func readEventTypes(d *document) []hook.EventType {
	texts, ok := d.texts("eventTypes", 1, len(hook.EventTypes), func(text string) (string, string) {
		if !slices.Contains(hook.EventTypes, hook.EventType(text)) {
			return "", "must be " + oneOf(hook.EventTypes)
		}
		return text, ""
	})
	if !ok {
		return nil
	}
	types := make([]hook.EventType, len(texts))
	for i, text := range texts {
		types[i] = hook.EventType(text)
	}
	return types
}

func readStores(d *document) []string {
	stores, _ := d.texts("stores", 0, maxStores, func(text string) (string, string) {
		if text == "" || len(text) > maxStore || strings.ContainsFunc(text, unicode.IsControl) {
			return "", "must be the id of a store: 1 to 256 bytes without control characters"
		}
		return text, ""
	})
	return stores
}

// readURL reads the address of a receiver, or of another server. A user or password
// in it is not shown in a fault.
func (s *Service) readURL(d *document, name string) *string {
	text, ok := read[string](d, name, "must be a string")
	if !ok {
		return nil
	}
	shown := text
	if strings.Contains(text, "@") { // there may be a password before it
		shown = ""
	}
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		d.fault(name, shown, "must have at most "+strconv.Itoa(maxURL)+" bytes")
	case err != nil || !u.IsAbs() || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		d.fault(name, shown, "must be an absolute URL of https")
	case u.User != nil:
		d.fault(name, shown, "must not hold a user name or password")
	case u.Fragment != "" || strings.Contains(text, "#"):
		d.fault(name, shown, "must not have a fragment")
	default:
		if err := s.cfg.CheckURL(text); err != nil {
			d.fault(name, shown, err.Error())
		}
	}
	return &text
}

// readRateLimit reads requests a second; null is 0, no limit.
func readRateLimit(d *document) (int, bool) {
	if d.null("rateLimit") {
		return 0, true
	}
	return integer(d, "rateLimit", 0, hook.MaxRateLimit)
}

func readSchedule(d *document) []time.Duration {
	texts, ok := read[[]string](d, "retrySchedule", "must be a list of durations, such as 5m")
	if !ok {
		return nil
	}
	if len(texts) > hook.MaxRetries {
		d.fault("retrySchedule", strconv.Itoa(len(texts))+" delays", "must have at most "+strconv.Itoa(hook.MaxRetries)+" delays")
		return nil
	}
	schedule := make([]time.Duration, 0, len(texts))
	var span time.Duration
	for i, text := range texts {
		delay, err := time.ParseDuration(text)
		if err != nil || delay < hook.MinRetryDelay || delay > hook.MaxRetrySpan {
			d.fault("retrySchedule["+strconv.Itoa(i)+"]", text,
				"must be a duration from "+durationText(hook.MinRetryDelay)+" to "+durationText(hook.MaxRetrySpan))
			continue
		}
		span += delay
		schedule = append(schedule, delay)
	}
	if span > hook.MaxRetrySpan {
		d.fault("retrySchedule", durationText(span)+" in all", "must be at most "+durationText(hook.MaxRetrySpan)+" in all")
	}
	return schedule
}
