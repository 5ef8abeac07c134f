package settings

import (
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// lives are how long a link may be valid, as the form has them.
var lives = []string{"15m", "1h", "8h", "24h"}

// links is the tab on which links to the portal are made. They are kept nowhere: there is
// no list.
type links struct {
	// Guest is whether the reader came by a link, which makes no other.
	Guest bool
	// Made is one that was made this moment; nil: none was.
	Made  *client.PortalLink
	Roles []hook.Role
	Lives []string
	Form  linkForm
}

// linkForm is what the form has in its fields.
type linkForm struct{ Role, Life, Language string }

func (s *service) showLinks(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := linkForm{Role: string(hook.RoleViewer), Life: "1h", Language: string(s.kit.Language(r, v))}
	return s.formOfLinks(w, r, v, nil, form, nil)
}

func (s *service) formOfLinks(
	w http.ResponseWriter, r *http.Request, v *page.Visitor, faults *page.Faults, form linkForm, made *client.PortalLink,
) error {
	return s.show(w, r, v, tabLinks, "", faults, links{
		Guest: v.Principal.Link != nil, Made: made, Roles: rolesOf(v), Lives: lives, Form: form,
	})
}

// createLink shows the link in its answer, which a reload shows again.
func (s *service) createLink(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := linkForm{Role: r.PostFormValue("role"), Life: r.PostFormValue("ttl"), Language: r.PostFormValue("language")}
	sent, err := body(map[string]any{"role": form.Role, "ttl": form.Life, "language": form.Language})
	if err != nil {
		return err
	}
	made, err := page.Call(v.API.CreatePortalLinkWithBodyWithResponse(r.Context(), &client.CreatePortalLinkParams{IdempotencyKey: once(r)}, jsonType, sent))
	if faults, refused := page.Refused(err); refused {
		return s.formOfLinks(w, r, v, faults, form, nil)
	}
	if err != nil {
		return err
	}
	return s.formOfLinks(w, r, v, nil, form, made.JSON201)
}
