package api

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"strconv"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	// maxEmail bounds an address, in bytes (RFC 5321, 4.5.3.1.3, less the brackets).
	maxEmail = 254
	// maxMemberName bounds the name of a member, in characters.
	maxMemberName = 200
)

// Member is a member as the API shows it.
type Member struct {
	ID        string    `json:"id"`
	Email     string    `json:"email" format:"email"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"owner,settings,viewer"`
	Language  string    `json:"language" enum:"en,it" doc:"Of mails."`
	CreatedAt time.Time `json:"createdAt"`
}

// NewMember is the body that adds a member.
type NewMember struct {
	Email    string `json:"email" format:"email" maxLength:"254" doc:"No two members of an account have the same, in capital or small letters."`
	Name     string `json:"name,omitempty" maxLength:"200"`
	Role     string `json:"role" enum:"owner,settings,viewer" doc:"owner: everything; settings: change settings, and be told of failures; viewer: look."`
	Language string `json:"language,omitempty" enum:"en,it" doc:"Of mails; en by default."`
}

// MemberPatch is the body that changes a member.
type MemberPatch struct {
	Email    string `json:"email,omitempty" format:"email" maxLength:"254"`
	Name     string `json:"name,omitempty" maxLength:"200"`
	Role     string `json:"role,omitempty" enum:"owner,settings,viewer"`
	Language string `json:"language,omitempty" enum:"en,it"`
}

type memberAnswer struct {
	Body Member
}

func showMember(m hook.Member) Member {
	return Member{ID: m.ID, Email: m.Email, Name: m.Name, Role: string(m.Role), Language: string(m.Language), CreatedAt: m.CreatedAt.UTC()}
}

func (s *Service) memberRoutes() {
	tags := []string{"members"}
	settings := access{scope: hook.ScopeSettings}
	existing := access{scope: hook.ScopeSettings, find: func(ctx context.Context, p apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Member(ctx, p.Account, id)
		return err
	}}
	handle(s, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/v1/members", Tags: tags,
		Summary: "List members", Description: "Newest first. Scope: settings.",
	}, settings, nil, s.listMembers)
	handle(s, huma.Operation{
		OperationID: "create-member", Method: http.MethodPost, Path: "/v1/members", Tags: tags,
		Summary: "Add a member", Description: "A key has to have the scopes of the role: 403. Scope: settings.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, settings, NewMember{}, s.createMember)
	handle(s, huma.Operation{
		OperationID: "get-member", Method: http.MethodGet, Path: "/v1/members/{id}", Tags: tags,
		Summary: "Get a member", Description: "Scope: settings.", Errors: []int{http.StatusNotFound},
	}, settings, nil, s.getMember)
	handle(s, huma.Operation{
		OperationID: "update-member", Method: http.MethodPatch, Path: "/v1/members/{id}", Tags: tags,
		Summary: "Change a member", Description: "The last owner stays one: 409. A key has to have the scopes of the role: 403. Scope: settings.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, existing, MemberPatch{}, s.updateMember)
	handle(s, huma.Operation{
		OperationID: "delete-member", Method: http.MethodDelete, Path: "/v1/members/{id}", Tags: tags,
		Summary: "Remove a member", Description: "Not the last owner: 409. A key has to have the scopes of the role: 403. Scope: settings.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, existing, nil, s.deleteMember)
}

func (s *Service) listMembers(ctx context.Context, in *struct{ PageQuery }) (*listed[Member], error) {
	rows, next, err := s.cfg.Store.Members(ctx, principal(ctx).Account, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, showMember), nil
}

func (s *Service) getMember(ctx context.Context, in *PathID) (*memberAnswer, error) {
	return answerMember(s.cfg.Store.Member(ctx, principal(ctx).Account, in.ID))
}

func (s *Service) createMember(ctx context.Context, in *JSONBody) (*memberAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	d.require("email")
	d.require("role")
	now := s.now()
	m := hook.Member{ID: newID("mbr_", now), Account: principal(ctx).Account, Language: hook.English, CreatedAt: now}
	readMember(d).apply(&m)
	if err := d.end("id", "createdAt"); err != nil {
		return nil, err
	}
	if err := mayMake(ctx, m.Role); err != nil {
		return nil, err
	}
	return answerMember(s.cfg.Store.CreateMember(ctx, m))
}

// mayMake refuses to whoever asks what they could do as a member of a role, and may not
// do themselves: a member signs in, and an address makes anybody a member.
func mayMake(ctx context.Context, role hook.Role) error {
	maker := principal(ctx)
	for _, scope := range role.Scopes() {
		if !maker.May(scope) {
			return problem.New(http.StatusForbidden, "", "the role "+string(role)+" has the scope "+string(scope)+
				", which the key lacks: it adds, changes and removes members of at most its own scopes", nil)
		}
	}
	return nil
}

func (s *Service) updateMember(ctx context.Context, in *IDAndBody) (*memberAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	read := readMember(d)
	if err := d.end("id", "createdAt"); err != nil {
		return nil, err
	}
	return answerMember(s.cfg.Store.UpdateMember(ctx, principal(ctx).Account, in.ID, func(m *hook.Member) error {
		if err := mayMake(ctx, m.Role); err != nil {
			return err
		}
		read.apply(m)
		return mayMake(ctx, m.Role)
	}))
}

func (s *Service) deleteMember(ctx context.Context, in *PathID) (*empty, error) {
	m, err := s.cfg.Store.Member(ctx, principal(ctx).Account, in.ID)
	if err != nil {
		return nil, memberProblem(err)
	}
	if err := mayMake(ctx, m.Role); err != nil {
		return nil, err
	}
	return nil, memberProblem(s.cfg.Store.DeleteMember(ctx, principal(ctx).Account, in.ID))
}

func answerMember(m hook.Member, err error) (*memberAnswer, error) {
	if err != nil {
		return nil, memberProblem(err)
	}
	return &memberAnswer{Body: showMember(m)}, nil
}

func memberProblem(err error) error {
	switch {
	case errors.Is(err, hook.ErrLastOwner):
		return problem.New(http.StatusConflict, "", "it is the last owner, and an account keeps one: make another member owner first", nil)
	case errors.Is(err, hook.ErrConflict):
		return problem.New(http.StatusConflict, "", "another member of the account has this address", nil)
	}
	return err
}

// memberFields are the fields of a member that a body gives; nil ones stay.
type memberFields struct {
	email, name *string
	role        *hook.Role
	language    *hook.Language
}

func readMember(d *document) memberFields {
	return memberFields{
		email:    given(readEmail(d)),
		name:     given(d.text("name", 0, maxMemberName)),
		role:     given(choice(d, "role", hook.Roles)),
		language: given(choice(d, "language", hook.Languages)),
	}
}

func (f memberFields) apply(m *hook.Member) {
	set(&m.Email, f.email)
	set(&m.Name, f.name)
	set(&m.Role, f.role)
	set(&m.Language, f.language)
}

// readEmail reads an address alone (RFC 5322, addr-spec).
func readEmail(d *document) (string, bool) {
	rule := "must be an email address, such as mario@example.com, of at most " + strconv.Itoa(maxEmail) + " bytes"
	text, ok := read[string](d, "email", rule)
	if !ok {
		return "", false
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Name != "" || address.Address != text || len(text) > maxEmail || hasControl(text) {
		d.fault("email", text, rule)
		return "", false
	}
	return text, true
}

func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}
