// Package usage is the page that shows what webhooks were charged in each period of the
// quota, and charts of what they did over time.
//
//	usage.go    the page
//	query.go    what the reader chose
//	figures.go  the series, and its charts
//	periods.go  the table of periods, and the names of its webhooks
package usage

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit  *page.Kit
	page *page.Template
}

// Register adds the page. The error is a defect of its template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var err error
	if s.page, err = k.Template(files, "*.html", "usage", words); err != nil {
		return err
	}
	mux.HandleFunc("GET /portal/usage", k.Read("", s.show))
	return nil
}

// content is what the page shows.
type content struct {
	Query *query
	// Hooks are those to choose from. With Many there are others, and one names them by id.
	Hooks []choice
	Many  bool
	// Chosen is the name of the webhook that is shown; empty: all of them.
	Chosen string
	// Now is the period of the quota that it is; nil: there is no quota, or nothing was
	// charged in it yet.
	Now     *period
	Figures figures
	Periods []period
	// Newest and Older are where other pages of the table are, ByAccount and ByWebhook its
	// other forms; empty: nowhere.
	Newest, Older, ByAccount, ByWebhook string
	Faults                              *page.Faults
}

// choice is a webhook to choose.
type choice struct {
	ID, Name string
}

func (s *service) show(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	ctx, now := r.Context(), s.kit.Now()
	c := content{}
	c.Query, c.Faults = readQuery(r.URL.Query(), now)
	known, err := s.hooks(ctx, v, &c)
	if err != nil {
		return err
	}
	if c.Faults == nil {
		c.Faults, err = s.read(ctx, r, v, &c, known)
		if err != nil {
			return err
		}
	}
	if c.Faults != nil {
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.page, c)
	}
	return s.kit.Show(w, r, v, s.page, c)
}

// read asks the API for the figures; it returns what it was asked amiss.
func (s *service) read(ctx context.Context, r *http.Request, v *page.Visitor, c *content, known map[string]string) (*page.Faults, error) {
	series, err := page.Call(v.API.ListUsageSeriesWithResponse(ctx, c.Query.series()))
	if faults, refused := page.Refused(err); refused {
		return faults, nil
	}
	if err != nil {
		return nil, err
	}
	c.Figures = draw(s.kit.Language(r, v), series.JSON200.Items, c.Query.hourly())
	periods, err := page.Call(v.API.ListUsageWithResponse(ctx, c.Query.periods()))
	if faults, refused := page.Refused(err); refused {
		return faults, nil
	}
	if err != nil {
		return nil, err
	}
	if c.Periods, err = named(ctx, v.API, periods.JSON200.Items, known); err != nil {
		return nil, err
	}
	if c.Query.Cursor != "" {
		c.Newest = s.kit.Path("usage?" + c.Query.with("cursor", "") + "#periods")
	}
	if next := periods.JSON200.Next; next != nil {
		c.Older = s.kit.Path("usage?" + c.Query.with("cursor", *next) + "#periods")
	}
	if c.Query.Webhook == "" {
		c.ByWebhook, c.ByAccount = s.kit.Path("usage?"+c.Query.with("by", "")+"#periods"), s.kit.Path("usage?"+c.Query.with("by", "account")+"#periods")
	}
	c.Now, err = current(ctx, v.API, s.kit.Now())
	return nil, err
}

// maxChoices is how many webhooks one can choose from: a list of more is slow to read.
const maxChoices = 200

// hooks are those to choose from, and their names by id.
func (s *service) hooks(ctx context.Context, v *page.Visitor, c *content) (map[string]string, error) {
	limit := int64(maxChoices)
	listed, err := page.Call(v.API.ListWebhooksWithResponse(ctx, &client.ListWebhooksParams{Limit: &limit}))
	if err != nil {
		return nil, err
	}
	known := make(map[string]string, len(listed.JSON200.Items))
	for i := range listed.JSON200.Items {
		h := &listed.JSON200.Items[i]
		known[h.ID] = name(h)
		c.Hooks = append(c.Hooks, choice{ID: h.ID, Name: known[h.ID]})
	}
	c.Many = listed.JSON200.Next != nil
	if c.Query.Webhook == "" {
		return known, nil
	}
	if c.Chosen = known[c.Query.Webhook]; c.Chosen != "" {
		return known, nil
	}
	got, err := page.Call(v.API.GetWebhookWithResponse(ctx, c.Query.Webhook))
	if err != nil {
		return nil, err
	}
	c.Chosen = name(got.JSON200)
	known[c.Query.Webhook] = c.Chosen
	c.Hooks = append(c.Hooks, choice{ID: c.Query.Webhook, Name: c.Chosen})
	return known, nil
}

// current is the account's period that a time is in.
func current(ctx context.Context, api *client.ClientWithResponses, now time.Time) (*period, error) {
	limit, by := int64(1), client.ListUsageParamsByAccount
	listed, err := page.Call(api.ListUsageWithResponse(ctx, &client.ListUsageParams{Limit: &limit, By: &by}))
	if err != nil {
		return nil, err
	}
	for i := range listed.JSON200.Items {
		if p := newPeriod(&listed.JSON200.Items[i]); p.Limited && !p.From.After(now) && p.To.After(now) {
			return &p, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// gone tells a webhook that is not there from an error.
func gone(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}
