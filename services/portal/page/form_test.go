package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAFormNeedsTheTokenOfItsSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	own := token(b.visitor)
	other := *b.visitor
	other.Secret = "another session"
	for name, h := range map[string]http.HandlerFunc{"change": b.Change(hook.ScopeWrite, b.shows), "stay": b.Stay(b.shows)} {
		require.Equal(t, http.StatusOK, b.post(h, url.Values{"token": {own}}).Code, name)
		require.Equal(t, http.StatusOK, b.post(h, nil, "Staffetta-Form", own).Code, "%s: htmx sends it so", name)
		for _, token := range []string{"", "none", token(&other), own + "x", own[1:]} {
			for _, refused := range []int{
				b.post(h, url.Values{"token": {token}}).Code, b.post(h, nil, "Staffetta-Form", token).Code,
			} {
				require.Equal(t, http.StatusForbidden, refused, "%s with %q", name, token)
			}
		}
		require.Equal(t, http.StatusForbidden, b.post(h, url.Values{"token": {own}}, "Staffetta-Form", "none").Code, "%s: one that is wrong counts", name)
		require.Equal(t, http.StatusForbidden, b.post(h, nil).Code, name)
	}
	r := b.get(b.Read(hook.ScopeRead, b.shows))
	require.Contains(t, r.Body.String(), `data-token="`+own+`"`)
	require.NotContains(t, r.Body.String(), b.visitor.Secret)
}

func TestATokenInTheURLDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.Change(hook.ScopeWrite, b.shows)
	require.Equal(t, http.StatusForbidden, b.post(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = "token=" + token(b.visitor)
		h(w, r)
	}, nil).Code)
}

func TestAFormIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.Change(hook.ScopeWrite, b.shows)
	fits := "token=" + token(b.visitor) + "&text="
	require.Equal(t, http.StatusOK, b.postBody(h, strings.NewReader(fits+strings.Repeat("x", maxForm-len(fits)))).Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, b.postBody(h, strings.NewReader(fits+strings.Repeat("x", maxForm))).Code)
	require.Equal(t, http.StatusForbidden, b.postBody(h, strings.NewReader(fits+"%zz")).Code)
}

func TestRefusalsAreOfFieldsOrOfTheWhole(t *testing.T) {
	t.Parallel()
	problem := func(status int64, detail string, faults ...client.Fault) error {
		p := &client.Problem{Details: client.Details{Status: status, Title: "Title", Errors: &faults}}
		if detail != "" {
			p.Detail = &detail
		}
		return p
	}
	f, refused := Refused(problem(422, "", client.Fault{Field: "url", Rule: "is required"}, client.Fault{Field: "url", Rule: "later"}, client.Fault{Field: "name", Rule: "long"}))
	require.True(t, refused)
	require.Equal(t, &Faults{Fields: map[string]string{"url": "is required", "name": "long"}}, f)
	require.Equal(t, "is required", f.Of("url"))
	require.Equal(t, map[string]string{"name": "long"}, f.Rest("url", "other"))
	require.Len(t, f.Fields, 2)

	f, refused = Refused(problem(409, "it is taken"))
	require.True(t, refused)
	require.Equal(t, "it is taken", f.Whole)
	f, refused = Refused(problem(412, ""))
	require.True(t, refused)
	require.Equal(t, "Title", f.Whole)
	for _, status := range []int64{401, 403, 404, 500, 503} {
		_, refused = Refused(problem(status, "x"))
		require.False(t, refused, status)
	}
	for _, err := range []error{nil, errors.New("away")} {
		_, refused = Refused(err)
		require.False(t, refused)
	}
	var none *Faults
	require.Empty(t, none.Of("url"))
	require.Empty(t, none.Rest("url"))
}

func TestEachFormHasItsOwnIdempotencyKey(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, once(), once())
	require.Regexp(t, `^[A-Z2-7]{26}$`, once())
}
