package api

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// accountID is what an account's id must match.
var accountID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// maxName bounds the name of an account, in characters.
const maxName = 200

// Account is an account as the API shows it.
type Account struct {
	ID        string    `json:"id" example:"acme"`
	Name      string    `json:"name" doc:"What receivers of the rentman format see."`
	Quota     *Quota    `json:"quota" doc:"null: there is no limit."`
	Streak    Streak    `json:"streak" doc:"What follows from failures in a row: its own, or the installation's."`
	CreatedAt time.Time `json:"createdAt"`
}

// NewAccount is the body that makes an account.
type NewAccount struct {
	ID    string `json:"id" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"Chosen by the operator; not . or ..; never used again after the account is deleted."`
	Name  string `json:"name,omitempty" minLength:"1" maxLength:"200" doc:"Its id by default."`
	Quota *Quota `json:"quota,omitempty" doc:"null, the default: there is no limit."`

	Streak *Streak `json:"streak,omitempty" doc:"null, the default: the installation's."`
}

// AccountPatch is the body that changes an account.
type AccountPatch struct {
	Name  string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Quota *Quota `json:"quota,omitempty" doc:"As a whole; null removes it."`

	Streak *Streak `json:"streak,omitempty" doc:"As a whole; null: the installation's again."`
}

type accountAnswer struct {
	Location string `header:"Location"`
	Body     Account
}

// JSONBody is the body of an operation, as it came.
type JSONBody struct {
	RawBody []byte `contentType:"application/json"`
}

// PathID is the id in the path.
type PathID struct {
	ID string `path:"id" doc:"The id of the thing."`
}

// IDAndBody is the input of a change.
type IDAndBody struct {
	PathID
	JSONBody
}

type empty struct{}

func (s *Service) showAccount(a hook.Account) Account {
	rule := s.cfg.Streak
	if a.Streak != nil {
		rule = a.Streak
	}
	return Account{ID: a.ID, Name: a.Name, Quota: showQuota(a.Quota), Streak: showStreak(rule), CreatedAt: a.CreatedAt.UTC()}
}

func (s *Service) accountRoutes() {
	tags := []string{"accounts"}
	find := func(ctx context.Context, _ apiauth.Principal, id string) error {
		_, err := s.cfg.Store.Account(ctx, id)
		return err
	}
	handle(s, huma.Operation{
		OperationID: "list-accounts", Method: http.MethodGet, Path: "/v1/accounts", Tags: tags,
		Summary: "List accounts", Description: "By id. Needs the admin key.",
	}, access{}, nil, s.listAccounts)
	handle(s, huma.Operation{
		OperationID: "create-account", Method: http.MethodPost, Path: "/v1/accounts", Tags: tags,
		Summary: "Create an account", Description: "Needs the admin key.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, access{}, NewAccount{}, s.createAccount)
	handle(s, huma.Operation{
		OperationID: "get-account", Method: http.MethodGet, Path: "/v1/accounts/{id}", Tags: tags,
		Summary: "Get an account", Description: "Needs the admin key.", Errors: []int{http.StatusNotFound},
	}, access{}, nil, s.getAccount)
	handle(s, huma.Operation{
		OperationID: "update-account", Method: http.MethodPatch, Path: "/v1/accounts/{id}", Tags: tags,
		Summary: "Change an account", Description: "Needs the admin key.", Errors: []int{http.StatusNotFound},
	}, access{find: find}, AccountPatch{}, s.updateAccount)
	handle(s, huma.Operation{
		OperationID: "delete-account", Method: http.MethodDelete, Path: "/v1/accounts/{id}", Tags: tags,
		Summary: "Delete an account",
		Description: "Revokes its webhooks and API keys at once, and has all else of it erased, its log too. Location names what tells how " +
			"far that is. Needs the admin key.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access{}, nil, s.deleteAccount)
	s.erasureRoute()
	handle(s, huma.Operation{
		OperationID: "get-own-account", Method: http.MethodGet, Path: "/v1/account", Tags: tags,
		Summary: "Get the account of the key", Description: "With its quota, and what follows from failures in a row.",
	}, access{scope: hook.ScopeRead}, nil, s.getOwnAccount)
}

func (s *Service) getOwnAccount(ctx context.Context, _ *struct{}) (*accountAnswer, error) {
	return s.getAccount(ctx, &PathID{ID: principal(ctx).Account})
}

func (s *Service) listAccounts(ctx context.Context, in *struct{ PageQuery }) (*listed[Account], error) {
	rows, next, err := s.cfg.Store.Accounts(ctx, in.page())
	if err != nil {
		return nil, err
	}
	return newList(rows, next, s.showAccount), nil
}

func (s *Service) createAccount(ctx context.Context, in *JSONBody) (*accountAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	const rule = "must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
	d.require("id")
	id, ok := read[string](d, "id", rule)
	switch {
	case !ok:
	case !accountID.MatchString(id):
		d.fault("id", id, rule)
	case id == "." || id == "..": // clients take them out of /v1/accounts/{id}
		d.fault("id", id, "must not be . or .., which no path can name")
	}
	name, ok := d.text("name", 1, maxName)
	if !ok {
		name = id
	}
	quota, _ := readQuota(d)
	streak, _ := readStreak(d)
	if err := d.end("createdAt"); err != nil {
		return nil, err
	}
	a, err := s.cfg.Store.CreateAccount(ctx, hook.Account{ID: id, Name: name, Quota: quota, Streak: streak, Version: 1, CreatedAt: s.now()})
	if err != nil {
		return nil, err
	}
	s.publisher.wake()
	return &accountAnswer{Location: "/v1/accounts/" + a.ID, Body: s.showAccount(a)}, nil
}

func (s *Service) getAccount(ctx context.Context, in *PathID) (*accountAnswer, error) {
	a, err := s.cfg.Store.Account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &accountAnswer{Body: s.showAccount(a)}, nil
}

func (s *Service) updateAccount(ctx context.Context, in *IDAndBody) (*accountAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	name := given(d.text("name", 1, maxName))
	quota := given(readQuota(d))
	streak := given(readStreak(d))
	if err := d.end("id", "createdAt"); err != nil {
		return nil, err
	}
	a, err := s.cfg.Store.UpdateAccount(ctx, in.ID, func(a *hook.Account) error {
		set(&a.Name, name)
		set(&a.Quota, quota)
		set(&a.Streak, streak)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.publisher.wake()
	return &accountAnswer{Body: s.showAccount(a)}, nil
}

func (s *Service) deleteAccount(ctx context.Context, in *PathID) (*deletedAnswer, error) {
	if err := s.cfg.Store.DeleteAccount(ctx, in.ID); err != nil {
		return nil, err
	}
	s.publisher.wake()
	return &deletedAnswer{Location: "/v1/accounts/" + in.ID + "/erasure"}, nil
}
