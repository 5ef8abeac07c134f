package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// bench is a Kit whose visitors are those that a test says, with a page and an API.
type bench struct {
	t *testing.T
	*Kit
	// visitor is who comes; nil: nobody is signed in. broken: it cannot be told.
	visitor *Visitor
	broken  error
	api     http.HandlerFunc
	page    *Template
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, visitor: owner()}
	var err error
	b.Kit, err = New(Config{
		API:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.api(w, r) }),
		Home: "/portal/",
		Visitor: func(*http.Request) (*Visitor, error) {
			switch {
			case b.broken != nil:
				return nil, b.broken
			case b.visitor == nil:
				return nil, apiauth.ErrUnauthorized
			}
			v := *b.visitor
			return &v, nil
		},
		SignIn: "https://hooks.example.com/portal/login",
		SetCookie: func(w http.ResponseWriter, name, value string, until time.Time) {
			http.SetCookie(w, &http.Cookie{Name: name, Value: value, Expires: until})
		},
		Cookie: func(r *http.Request, name string) string {
			c, err := r.Cookie(name)
			if err != nil {
				return ""
			}
			return c.Value
		},
		Log: zap.NewNop(), Now: time.Now,
	})
	require.NoError(t, err)
	b.page, err = b.Template(fstest.MapFS{"page.html": {Data: []byte(`{{define "main"}}<h1>{{say "hello"}}</h1>{{.Page}}{{end}}`)}}, "page.html", "webhooks",
		Words{"hello": {"Hello", "Ciao"}, "done.something": {"Something was done.", "Fatto."}})
	require.NoError(t, err)
	return b
}

// owner is one of the account acme.
func owner() *Visitor {
	return &Visitor{
		Principal: apiauth.Principal{Account: "acme", Scopes: hook.RoleOwner.Scopes(), Actor: hook.Actor{Kind: hook.ActorMember, ID: "mbr_1"}},
		Account:   "acme", AccountName: "The ACME", Email: "giulia@example.com", Role: hook.RoleOwner, Secret: "the secret of the session",
	}
}

// shows is a handler that shows the page.
func (b *bench) shows(w http.ResponseWriter, r *http.Request, v *Visitor) error {
	return b.Show(w, r, v, b.page, "shown")
}

// get asks a handler; headers are names and values in turn.
func (b *bench) get(h http.HandlerFunc, headers ...string) *httptest.ResponseRecorder {
	return b.send(h, httptest.NewRequest(http.MethodGet, "/portal/page", nil), headers)
}

// post sends a handler a form.
func (b *bench) post(h http.HandlerFunc, form url.Values, headers ...string) *httptest.ResponseRecorder {
	return b.postBody(h, strings.NewReader(form.Encode()), headers...)
}

func (b *bench) postBody(h http.HandlerFunc, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/portal/page", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(h, r, headers)
}

func (b *bench) send(h http.HandlerFunc, r *http.Request, headers []string) *httptest.ResponseRecorder {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h(w, r)
	return w
}
