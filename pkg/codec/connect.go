package codec

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/jsontext"
)

// Kafka Connect's converters write one value in several ways: as plain text, as JSON, and
// as JSON in an envelope {"schema": …, "payload": …}.

// membersOf gives the members of a JSON object, each as its text, by its name; nil if the
// text is JSON, but no object. Of members of one name the last counts.
func membersOf(text string) (map[string]string, error) {
	s, err := jsontext.NewScanner(text)
	if err != nil {
		return nil, err
	}
	if s.Kind() != jsontext.Object {
		_, _, err := jsontext.Value(text)
		return nil, err
	}
	members := map[string]string{}
	if err := s.Open(); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		name, more, err := s.Member(first)
		if err != nil {
			return nil, err
		}
		if !more {
			return members, s.End()
		}
		start, end, err := s.Raw()
		if err != nil {
			return nil, err
		}
		members[name] = s.Text(start, end)
	}
}

// withoutSchema takes JSON text out of Connect's envelope, if it is in one.
func withoutSchema(text string) (string, error) {
	members, err := membersOf(text)
	if err != nil || len(members) != 2 {
		return text, err
	}
	payload, ok := members["payload"]
	if _, schema := members["schema"]; !ok || !schema {
		return text, nil
	}
	return payload, nil
}

// connectText reads what should be text or a number, however a converter wrote it: acme,
// "acme", {"schema": …, "payload": "acme"}. What is none of these is taken as it stands.
func connectText(text string) string {
	if text == "" || text[0] != '"' && text[0] != '{' && text != "null" {
		return text
	}
	inner, err := withoutSchema(text)
	if err != nil {
		return text
	}
	if inner == "null" {
		return ""
	}
	if !strings.HasPrefix(inner, `"`) {
		return inner
	}
	s, err := jsontext.NewScanner(inner)
	if err != nil {
		return text
	}
	unquoted, err := s.String()
	if err != nil {
		return text
	}
	return unquoted
}
