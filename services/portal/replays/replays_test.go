package replays_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

const evil = `"><script>alert('x')</script>`

type suite struct {
	*portaltest.Installation
	t    *testing.T
	hook string
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{Installation: portaltest.New(t), t: t}
	s.hook = s.Webhook(portaltest.Account, "Warehouse")
	return s
}

// all are the account's replays, newest first.
func (s *suite) all() []hook.Replay {
	s.t.Helper()
	list, _, err := s.Store.Replays(s.t.Context(), portaltest.Account, hook.Page{Limit: 50})
	require.NoError(s.t, err)
	return list
}

// ago is an instant as forms have it.
func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format("2006-01-02T15:04:05") }

func TestAReplayIsMadeOfAForm(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	source := s.Webhook(portaltest.Account, "Shop")
	b := s.VisitAs(portaltest.Account, hook.RoleSettings, hook.Italian)
	form := b.Get("/portal/replays/new?webhook=" + s.hook)
	require.Contains(t, form.Body, `<option value="`+s.hook+`" selected>Warehouse`)
	require.Contains(t, form.Body, `value="Fattura"`)
	done := b.Post("/portal/replays/new", url.Values{
		"webhook": {s.hook}, "what": {"deliveries"}, "source": {source}, "status": {"failed"}, "from": {ago(3 * time.Hour)}, "to": {ago(time.Hour)},
		"rate": {"20"}, "itemTypes": {"Fattura", "Contatto"}, "otherTypes": {"Gadget, Widget"}, "once": {"1"},
	})
	require.Equal(t, http.StatusOK, done.Status, done.Body)
	made := s.all()
	require.Len(t, made, 1)
	require.Equal(t, "/portal/replays/"+made[0].ID, done.URL.Path)
	require.Contains(t, done.Body, "È partito")
	require.Contains(t, done.Body, "portal:tick", "its progress is followed")
	require.Contains(t, done.Body, "Consegne di «Shop» · Fallite o da ritentare")
	require.Equal(t, s.hook, made[0].Webhook)
	require.Equal(t, source, made[0].Source)
	require.Equal(t, []hook.Fate{hook.FateRetrying, hook.FateExhausted}, made[0].Statuses)
	require.ElementsMatch(t, []string{"Invoice", "Contact", "Gadget", "Widget"}, made[0].ItemTypes)
	require.Equal(t, 20, made[0].Rate)
	require.WithinDuration(t, time.Now().Add(-3*time.Hour), made[0].From, time.Minute)
	require.WithinDuration(t, time.Now().Add(-time.Hour), made[0].To, time.Minute)
}

func TestEventsAreReplayedWithoutASource(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/replays/new")
	b.Post("/portal/replays/new", url.Values{"webhook": {s.hook}, "what": {"events"}, "status": {"failed"}, "from": {ago(time.Hour)}})
	require.Empty(t, s.all()[0].Source)
	require.Equal(t, hook.DefaultReplayRate, s.all()[0].Rate)
	require.Contains(t, b.Get("/portal/replays").Body, "Every event that it subscribes to")
}

func TestAFormSentTwiceMakesOneReplay(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/replays/new")
	form := url.Values{"webhook": {s.hook}, "what": {"events"}, "from": {ago(time.Hour)}, "once": {"1"}}
	first, second := b.Post("/portal/replays/new", form), b.Post("/portal/replays/new", form)
	require.Equal(t, first.URL, second.URL)
	require.Len(t, s.all(), 1)
	form.Set("rate", "7")
	refused := b.Post("/portal/replays/new", form)
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "Another replay to this webhook is running")
	require.Contains(t, refused.Body, `value="7"`)
}

func TestAFormThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	b.Get("/portal/replays/new")
	good := url.Values{"webhook": {s.hook}, "what": {"deliveries"}, "from": {ago(time.Hour)}, "rate": {"5"}}
	for field, test := range map[string]struct{ value, want string }{
		"webhook":    {"wh_none", "deve essere l&#39;id di un webhook"},
		"source":     {"wh_none", "deve essere l&#39;id di un webhook"},
		"from":       {"yesterday", "deve essere una data con l&#39;ora"},
		"to":         {ago(2 * time.Hour), "deve essere nel passato, e prima della fine"},
		"rate":       {"5000", "deve essere un numero intero da 1 a 1000"},
		"status":     {"strange", "deve essere"},
		"otherTypes": {strings.Repeat("x", 1000) + evil, "itemTypes"},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		form.Set(field, test.value)
		refused := b.Post("/portal/replays/new", form)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, field)
		require.Contains(t, refused.Body, test.want, field)
		require.NotContains(t, refused.Body, "<script>alert", field)
	}
	for field := range good {
		refused := b.Post("/portal/replays/new", url.Values{"what": {evil}, field: {evil}, "status": {evil}, "otherTypes": {evil}, "itemTypes": {evil}})
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, field)
		require.NotContains(t, refused.Body, "<script>alert", field)
	}
	require.Empty(t, s.all())
}

func TestWhatFailedIsRecovered(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleOwner)
	require.Contains(t, b.Get("/portal/replays/recover?webhook="+s.hook).Body, "selected>Warehouse")
	for _, form := range []url.Values{
		{"webhook": {s.hook}}, {"from": {ago(time.Hour)}}, {"webhook": {"wh_none"}, "from": {ago(time.Hour)}}, {"webhook": {s.hook}, "from": {ago(-time.Hour)}},
	} {
		refused := b.Post("/portal/replays/recover", form)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, form)
		require.Contains(t, refused.Body, `class="fault"`)
	}
	done := b.Post("/portal/replays/recover", url.Values{"webhook": {s.hook}, "from": {ago(time.Hour)}, "once": {"1"}})
	require.Contains(t, done.Body, "It has begun.")
	require.Contains(t, done.Body, "Its own deliveries · Failed or retrying")
	require.Equal(t, s.hook, s.all()[0].Source)
}

func TestAReplayIsFollowedCancelledAndResumed(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/replays/recover")
	require.Contains(t, b.Post("/portal/replays/recover", url.Values{"webhook": {s.hook}, "from": {ago(time.Hour)}}).Body, "about to start")
	r := s.all()[0]
	path := "/portal/replays/" + r.ID
	r.Progress.Total, r.Progress.Done, r.Progress.Replayed, r.Progress.Begun = 4000, 1000, 990, true
	r.Progress.Failed = map[hook.Reason]int64{hook.ReasonPayloadGone: 10}
	_, err := s.Store.AdvanceReplay(t.Context(), r)
	require.NoError(t, err)
	part := b.Get(path, "HX-Request", "true").Body
	for _, text := range []string{`value="25"`, "1,000 of 4,000", "payload expired", "Cancel replay"} {
		require.Contains(t, part, text)
	}
	require.NotContains(t, part, "<html")
	require.Contains(t, b.Get("/portal/replays", "HX-Request", "true").Body, "25%")

	cancelled := b.Post(path+"/cancel", nil)
	require.Contains(t, cancelled.Body, "It was cancelled.")
	require.NotContains(t, cancelled.Body, "portal:tick")
	require.Contains(t, b.Post(path+"/resume", nil).Body, "It goes on from where it was.")
	require.Equal(t, hook.ReplayRunning, s.all()[0].State)

	r = s.all()[0]
	r.State, r.EndedAt = hook.ReplayDone, time.Now()
	_, err = s.Store.AdvanceReplay(t.Context(), r)
	require.NoError(t, err)
	refused := b.Post(path+"/resume", nil)
	require.Equal(t, http.StatusConflict, refused.Status)
	require.Contains(t, refused.Body, "It cannot be resumed")
	require.Contains(t, refused.Body, `value="100"`)
}

func TestReplaysAreOfTheirAccount(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/replays/recover")
	b.Post("/portal/replays/recover", url.Values{"webhook": {s.hook}, "from": {ago(time.Hour)}})
	path := "/portal/replays/" + s.all()[0].ID
	_, err := s.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	other := s.VisitAs("other", hook.RoleOwner, hook.English)
	require.NotContains(t, other.Get("/portal/replays").Body, "Warehouse")
	require.Equal(t, http.StatusNotFound, other.Get(path).Status)
	require.Equal(t, http.StatusNotFound, other.Post(path+"/cancel", nil).Status)
	require.Equal(t, http.StatusNotFound, other.Post(path+"/resume", nil).Status)
	require.Equal(t, http.StatusUnprocessableEntity, other.Post("/portal/replays/recover", url.Values{"webhook": {s.hook}, "from": {ago(time.Hour)}}).Status)
	require.Equal(t, http.StatusNotFound, b.Get("/portal/replays?cursor=none").Status)
	require.Equal(t, "/portal/", s.Stranger().Get("/portal/replays").URL.Path)
}

func TestViewersSeeReplaysAndMakeNone(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	owner := s.Visit(hook.RoleOwner)
	owner.Get("/portal/replays/recover")
	owner.Post("/portal/replays/recover", url.Values{"webhook": {s.hook}, "from": {ago(time.Hour)}})
	path := "/portal/replays/" + s.all()[0].ID
	viewer := s.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian)
	for _, seen := range []string{"/portal/replays", path} {
		shown := viewer.Get(seen)
		require.Contains(t, shown.Body, "In corso")
		require.NotContains(t, shown.Body, "/cancel")
		require.NotContains(t, shown.Body, "replays/new")
	}
	for _, refused := range []string{"/portal/replays/new", "/portal/replays/recover"} {
		require.Equal(t, http.StatusForbidden, viewer.Get(refused).Status, refused)
	}
	for _, form := range []string{"/portal/replays/new", "/portal/replays/recover", path + "/cancel", path + "/resume"} {
		require.Equal(t, http.StatusForbidden, viewer.Post(form, nil).Status, form)
		require.Equal(t, http.StatusForbidden, owner.Post(form, url.Values{"token": {"none"}}).Status, form)
	}
	require.Len(t, s.all(), 1)
	require.Equal(t, hook.ReplayRunning, s.all()[0].State)
}

func TestNothingOfAReplayIsRunAsAScript(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.Webhook(portaltest.Account, "Hook"+evil)
	b := s.Visit(hook.RoleOwner)
	b.Get("/portal/replays/new")
	b.Post("/portal/replays/new", url.Values{"webhook": {id}, "what": {"deliveries"}, "from": {ago(time.Hour)}, "otherTypes": {"Type<script>alert(1)</script>"}})
	for _, path := range []string{"/portal/replays", "/portal/replays/new", "/portal/replays/recover?webhook=" + id} {
		shown := b.Get(path)
		require.Contains(t, shown.Body, "Hook&#34;&gt;&lt;script&gt;", path)
		require.False(t, strings.Contains(shown.Body, "<script>alert"), path)
	}
}
