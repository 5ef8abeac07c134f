package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
)

// golden is a file of testdata without the white space between its tokens: all
// else, the order of the fields too, must be as in the file.
func golden(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, text))
	return compact.String()
}

func render(t *testing.T, w *hook.Webhook, account string, e hook.Event) string {
	t.Helper()
	r, err := format.Render(nil, w, account, &e, delivery)
	require.NoError(t, err)
	require.Equal(t, "application/json", r.ContentType)
	return string(r.Body)
}

// paths are the refs of the document's examples: they stand as published,
// whatever the language.
type paths struct{ crew, contact, serialNumber, equipment string }

// examples are the changes of the document's three examples.
func examples(p paths) map[string]hook.Event {
	user := &hook.Reference{ID: "33", ItemType: "Crew", Ref: p.crew + "33"}
	return map[string]hook.Event{
		"create": {
			ID: "1", Account: "acme", User: user, Type: hook.Create, ItemType: "Contact",
			Items: []hook.Item{{ID: "12014", Ref: p.contact + "12014", Data: []byte(`{"never":"sent"}`)}},
			Date:  "2023-02-02T12:07:01+01:00",
		},
		"update": {
			ID: "2", Account: "acme", User: user, Type: hook.Update, ItemType: "SerialNumber",
			Items: []hook.Item{{
				ID: "8367", Ref: p.serialNumber + "8367",
				Parent: &hook.Reference{ID: "12792", ItemType: "Equipment", Ref: p.equipment + "12792"},
			}},
			Date: "2023-02-02T12:03:25+01:00",
		},
		"delete": {
			ID: "3", Account: "acme", User: user, Type: hook.Delete, ItemType: "ContactPerson",
			Items: []hook.Item{{ID: "10", Ref: "/contactpersons/10"}, {ID: "31"}},
			Date:  "2023-02-02T12:08:00+01:00",
		},
	}
}

func TestRentmanBodiesAreTheDocumentsExamples(t *testing.T) {
	t.Parallel()
	italian := examples(paths{"/equipaggio/", "/contatti/", "/numeroseriali/", "/attrezzatura/"})
	english := examples(paths{"/crew/", "/contacts/", "/serialnumbers/", "/equipment/"})
	for _, name := range []string{"create", "update", "delete"} {
		w := &hook.Webhook{Format: hook.FormatRentman, Language: hook.Italian}
		require.Equal(t, golden(t, "rentman/"+name+".it.json"), render(t, w, "nome del tuo account", italian[name]))
		w = &hook.Webhook{Format: hook.FormatRentman, Language: hook.English}
		require.Equal(t, golden(t, "rentman/"+name+".en.json"), render(t, w, "name of your account", english[name]))
	}
}

func TestRentmanBodiesBeyondTheExamples(t *testing.T) {
	t.Parallel()
	w := &hook.Webhook{Format: hook.FormatRentman, Language: hook.Italian}
	e := hook.Event{
		Account: "acme", Type: hook.Update, ItemType: "LoyaltyCard", Date: "2023-02-02T11:07:01.25Z",
		Items: []hook.Item{{ID: "A-7", Parent: &hook.Reference{ID: "90071992547409931"}}, {ID: "8"}},
	}
	require.Equal(t, `{"account":"Bar \"Perché\" <2>","utente":null,"tipoEvento":"aggiorna","tipoElemento":"LoyaltyCard",`+
		`"elementi":[{"id":"A-7","ref":null,"genitore":{"id":90071992547409931,"tipoElemento":null,"ref":null}},`+
		`{"id":8,"ref":null,"genitore":null}],"dataEvento":"2023-02-02T11:07:01.25Z"}`,
		render(t, w, `Bar "Perché" <2>`, e), "no user, a type outside of the catalogue, ids of any size")

	e.Type = hook.Delete
	require.Equal(t, `{"account":"Bar","utente":null,"tipoEvento":"elimina","tipoElemento":"LoyaltyCard",`+
		`"elementi":["A-7",8],"dataEvento":"2023-02-02T11:07:01.25Z"}`, render(t, w, "Bar", e))

	w.Language = ""
	e.ItemType = "Invoice"
	require.Contains(t, render(t, w, "Bar", e), `"itemType":"Invoice"`, "English unless chosen otherwise")
}

func serialNumbers() hook.Event {
	version := int64(3)
	return hook.Event{
		ID: "01JZ8K", Account: "acme", Store: "7", Type: hook.Update, ItemType: "SerialNumber",
		User: &hook.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
		Items: []hook.Item{{
			ID: "8367", Ref: "/serialnumbers/8367", Version: &version, Data: []byte(`{"name":"Caff\u00e8 <b>","price":1.10}`),
			Parent: &hook.Reference{ID: "12792", ItemType: "Equipment", Ref: "/equipment/12792"},
		}, {ID: "SN-8"}},
		Date: "2023-02-02T12:03:25+01:00",
	}
}

func TestStandardBodies(t *testing.T) {
	t.Parallel()
	bare := hook.Event{
		ID: "01JZ8K", Account: "acme", Type: hook.Delete, ItemType: "LoyaltyCard",
		Items: []hook.Item{{ID: "10"}}, Date: "2023-02-02T12:03:25+01:00",
	}
	for name, test := range map[string]struct {
		payload hook.Payload
		event   hook.Event
	}{
		"thin": {hook.Thin, serialNumbers()},
		"full": {hook.Full, serialNumbers()},
		"bare": {hook.Thin, bare},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &hook.Webhook{Format: hook.FormatStandard, Payload: test.payload}
			require.Equal(t, golden(t, "standard/"+name+".json"), render(t, w, "Acme s.r.l.", test.event))
		})
	}
}

func TestDataIsDeliveredByteForByte(t *testing.T) {
	t.Parallel()
	e := serialNumbers()
	e.Items[0].Data = []byte("{ \"n\" :  1.10,\r\n\"u\":\"\\u00e8\\/\", \"n\": 90071992547409931 }")
	w := &hook.Webhook{Format: hook.FormatStandard, Payload: hook.Full}
	require.Contains(t, render(t, w, "Acme", e), `"data":`+string(e.Items[0].Data)+`}`)
}

func TestRenderAppends(t *testing.T) {
	t.Parallel()
	room := append(make([]byte, 0, 4096), "before "...)
	e := serialNumbers()
	r, err := format.Render(room, &hook.Webhook{Format: hook.FormatStandard}, "Acme", &e, delivery)
	require.NoError(t, err)
	require.Same(t, &room[0], &r.Body[0])
	require.True(t, bytes.HasPrefix(r.Body, []byte(`before {"type":`)))
}

func TestEveryFormatThatCanBeChosenIsThere(t *testing.T) {
	t.Parallel()
	for _, f := range hook.Formats {
		for _, algorithm := range hook.Signatures {
			secret, err := format.NewSecret(f, algorithm)
			require.NoError(t, err)
			require.NoError(t, format.CheckSecret(f, algorithm, secret))
			_, err = format.NewSigner(f, []format.Secret{{Text: secret}})
			require.NoError(t, err)
		}
		e := serialNumbers()
		e.Items = e.Items[:1]
		r, err := format.Render(nil, &hook.Webhook{Format: f}, "Acme", &e, delivery)
		require.NoError(t, err)
		require.True(t, json.Valid(r.Body))
	}
	want := hook.FieldError{Field: "format", Value: "fax", Rule: "must be one of the formats"}
	_, err := format.Render(nil, &hook.Webhook{Format: "fax"}, "Acme", &hook.Event{}, delivery)
	require.Equal(t, want, err)
	_, err = format.NewSecret("fax", hook.HMACSHA256)
	require.Equal(t, want, err)
	require.Equal(t, want, format.CheckSecret("fax", hook.HMACSHA256, "x"))
	require.Equal(t, want, format.Sign(nil, "fax", format.Request{}, format.Signing{}))
}

func BenchmarkRender(b *testing.B) {
	e := serialNumbers()
	one := serialNumbers()
	one.Items = one.Items[:1]
	for name, c := range map[string]struct {
		webhook *hook.Webhook
		event   *hook.Event
	}{
		"standard":       {&hook.Webhook{Format: hook.FormatStandard, Payload: hook.Full}, &e},
		"rentman.it":     {&hook.Webhook{Format: hook.FormatRentman, Language: hook.Italian}, &e},
		"cassa-in-cloud": {&hook.Webhook{Format: hook.FormatCassaInCloud}, &one},
		"structured":     {&hook.Webhook{Format: hook.FormatCloudEvents, Payload: hook.Full}, &e},
		"binary":         {&hook.Webhook{Format: hook.FormatCloudEvents, CloudEvents: hook.Binary, Payload: hook.Full}, &e},
	} {
		b.Run(name, func(b *testing.B) {
			room := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := format.Render(room, c.webhook, "Acme", c.event, delivery); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
