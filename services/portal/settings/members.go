package settings

import (
	"net/http"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// members is the tab of those who may sign in.
type members struct {
	pages
	List []member
	// Roles are those that the reader may give, in the order of hook.Roles.
	Roles []hook.Role
	Form  memberForm
}

// member is one as the list shows them.
type member struct {
	client.Member
	// Own is whether the reader may change it: that takes all that its role may.
	Own bool
	// Self is whether it is the reader.
	Self bool
}

// memberForm is what a dialog has in its fields.
type memberForm struct {
	ID, Email, Name, Role, Language string
}

// mayGive says whether a visitor may make and change members of a role.
func mayGive(v *page.Visitor, role hook.Role) bool {
	for _, scope := range role.Scopes() {
		if !v.May(scope) {
			return false
		}
	}
	return true
}

// rolesOf are the roles that a visitor may give.
func rolesOf(v *page.Visitor) []hook.Role {
	var roles []hook.Role
	for _, role := range hook.Roles {
		if mayGive(v, role) {
			roles = append(roles, role)
		}
	}
	return roles
}

func (s *service) showMembers(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	dialog, id := asked(r)
	form := memberForm{Role: string(hook.RoleViewer), Language: string(s.kit.Language(r, v))}
	if dialog == dialogEdit || dialog == dialogRemove {
		got, err := page.Call(v.API.GetMemberWithResponse(r.Context(), id))
		if err != nil {
			return err
		}
		m := got.JSON200
		form = memberForm{ID: m.ID, Email: string(m.Email), Name: m.Name, Role: string(m.Role), Language: string(m.Language)}
		if !mayGive(v, hook.Role(m.Role)) {
			dialog = ""
		}
	}
	return s.listMembers(w, r, v, dialog, nil, form)
}

// listMembers shows the list, with a dialog.
func (s *service) listMembers(w http.ResponseWriter, r *http.Request, v *page.Visitor, dialog string, faults *page.Faults, form memberForm) error {
	params := &client.ListMembersParams{}
	params.Limit, params.Cursor = pageOf(r)
	listed, err := page.Call(v.API.ListMembersWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused { // a cursor that is none
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	tab := members{pages: s.pages(r, tabMembers, listed.JSON200.Next), Roles: rolesOf(v), Form: form}
	for _, m := range listed.JSON200.Items {
		tab.List = append(tab.List, member{
			Member: m, Own: mayGive(v, hook.Role(m.Role)),
			Self: v.Principal.Actor.Kind == hook.ActorMember && v.Principal.Actor.ID == m.ID,
		})
	}
	return s.show(w, r, v, tabMembers, dialog, faults, tab)
}

// sentMember is a dialog as it was sent.
func sentMember(r *http.Request) memberForm {
	return memberForm{
		ID: r.PostFormValue("id"), Email: strings.TrimSpace(r.PostFormValue("email")), Name: strings.TrimSpace(r.PostFormValue("name")),
		Role: r.PostFormValue("role"), Language: r.PostFormValue("language"),
	}
}

func (f memberForm) fields() map[string]any {
	return map[string]any{"email": f.Email, "name": f.Name, "role": f.Role, "language": f.Language}
}

func (s *service) addMember(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := sentMember(r)
	sent, err := body(form.fields())
	if err != nil {
		return err
	}
	_, err = page.Call(v.API.CreateMemberWithBodyWithResponse(r.Context(), &client.CreateMemberParams{IdempotencyKey: once(r)}, jsonType, sent))
	if faults, refused := page.Refused(err); refused {
		return s.listMembers(w, r, v, dialogNew, faults, form)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabMembers), "done.member.added")
}

func (s *service) changeMember(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := sentMember(r)
	sent, err := body(form.fields())
	if err != nil {
		return err
	}
	_, err = page.Call(v.API.UpdateMemberWithBodyWithResponse(r.Context(), form.ID, nil, jsonType, sent))
	if faults, refused := page.Refused(err); refused {
		return s.listMembers(w, r, v, dialogEdit, faults, form)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabMembers), "done.member.changed")
}

func (s *service) removeMember(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := sentMember(r)
	_, err := page.Call(v.API.DeleteMemberWithResponse(r.Context(), form.ID, nil))
	if faults, refused := page.Refused(err); refused { // such as the last owner
		return s.listMembers(w, r, v, dialogRemove, faults, form)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabMembers), "done.member.removed")
}
