package stock

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	levelsPath   = "/stock-levels"
	settingsPath = "/stock-settings"

	defaultLimit = 50
	maxLimit     = 500
	// maxSettings bounds a body, which has one field.
	maxSettings = 4 << 10
)

// answer makes the document of a 200.
type answer func(r *http.Request, account string) (any, error)

func (s *Service) route(mux *http.ServeMux) {
	mux.Handle("GET "+levelsPath, s.serve(hook.ScopeRead, s.listLevels))
	mux.Handle(levelsPath, s.serve(hook.ScopeRead, wrongMethod("GET, HEAD")))
	mux.Handle("GET "+settingsPath, s.serve(hook.ScopeRead, s.showSettings))
	mux.Handle("PATCH "+settingsPath, s.serve(hook.ScopeWrite, s.changeSettings))
	mux.Handle(settingsPath, s.serve(hook.ScopeRead, wrongMethod("GET, HEAD, PATCH")))
}

func (s *Service) serve(scope hook.Scope, make answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.cfg.Authorizer.Authorize(r, scope)
		if err != nil {
			apiauth.Respond(w, err)
			return
		}
		document, err := make(r, who.Account)
		var details *problem.Details
		var faults hook.Invalid
		switch {
		case errors.As(err, &faults):
			problem.Write(w, http.StatusUnprocessableEntity, "", "", faults)
		case errors.As(err, &details):
			problem.Write(w, details.Status, "", details.Detail, nil)
		case err != nil:
			if s.cfg.Log != nil && r.Context().Err() == nil {
				s.cfg.Log.Error("request failed", zap.String("path", r.URL.Path), zap.Error(err))
			}
			problem.Write(w, http.StatusInternalServerError, "", "the service failed; its log says why", nil)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			// The connection is the client's: if it is gone there is nobody to tell.
			_ = json.NewEncoder(w).Encode(document)
		}
	})
}

func wrongMethod(allowed string) answer {
	return func(r *http.Request, _ string) (any, error) {
		return nil, problem.New(http.StatusMethodNotAllowed, "", r.Method+" is not one of "+allowed, nil)
	}
}

// levelsPage is a page of levels.
type levelsPage struct {
	Items []levelRow `json:"items"`
	Next  *string    `json:"next"`
}

// listLevels answers GET /stock-levels?equipment=&store=, where empty is all.
func (s *Service) listLevels(r *http.Request, account string) (any, error) {
	query := r.URL.Query()
	var faults hook.Invalid
	onlyKnown(query, &faults, "equipment", "store", "limit", "cursor")
	limit := defaultLimit
	if given := query.Get("limit"); given != "" {
		var err error
		if limit, err = strconv.Atoi(given); err != nil || limit < 1 || limit > maxLimit {
			faults.Add("query.limit", given, "must be an integer from 1 to "+strconv.Itoa(maxLimit))
		}
	}
	var equipment int64
	if given := query.Get("equipment"); given != "" {
		var err error
		if equipment, err = strconv.ParseInt(given, 10, 64); err != nil || equipment < 1 {
			faults.Add("query.equipment", given, "must be the id of an item, an integer from 1")
		}
	}
	if given := query.Get("store"); !searchable(given) {
		faults.Add("query.store", given, "must be UTF-8 without the character U+0000")
	}
	after, ok := readCursor(query.Get("cursor"))
	if !ok || !searchable(after.store) {
		faults.Add("query.cursor", query.Get("cursor"), "must be the next of a page")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	levels, err := s.readLevels(r.Context(), account, after, equipment, query.Get("store"), limit+1)
	if err != nil {
		return nil, err
	}
	page := levelsPage{Items: levels}
	if len(levels) > limit {
		page.Items = levels[:limit]
		next := page.Items[limit-1].cursor()
		page.Next = &next
	}
	return page, nil
}

// searchable reports whether PostgreSQL can have a text.
func searchable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

func onlyKnown(query url.Values, faults *hook.Invalid, known ...string) {
	for parameter := range query {
		if !slices.Contains(known, parameter) {
			faults.Add("query."+parameter, query.Get(parameter), "must be one of "+strings.Join(known, ", "))
		}
	}
}

// cursor is the text that a page ends with.
func (l levelRow) cursor() string {
	store := ""
	if l.Store != nil {
		store = *l.Store
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%s", l.Equipment, store))
}

// readCursor is the inverse; before the first level for an empty text.
func readCursor(text string) (after place, ok bool) {
	if text == "" {
		return place{}, true
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	id, store, cut := strings.Cut(string(plain), "/")
	after.equipment, after.store = 0, store
	if err != nil || !cut {
		return place{}, false
	}
	after.equipment, err = strconv.ParseInt(id, 10, 64)
	return after, err == nil
}

func (s *Service) showSettings(r *http.Request, account string) (any, error) {
	allowed, err := allowsNegative(r.Context(), s.cfg.DB, account)
	return settings{AllowNegative: allowed}, err
}

// changeSettings answers PATCH /stock-settings.
func (s *Service) changeSettings(r *http.Request, account string) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSettings+1))
	var given map[string]json.RawMessage
	if err != nil || len(body) > maxSettings || json.Unmarshal(body, &given) != nil || given == nil {
		return nil, problem.New(http.StatusBadRequest, "", "the body must be a JSON object", nil)
	}
	var set settings
	if set.AllowNegative, err = allowsNegative(r.Context(), s.cfg.DB, account); err != nil {
		return nil, err
	}
	var faults hook.Invalid
	for field, value := range given {
		if field != "allowNegative" {
			faults.AddJSON(field, value, "must be one of allowNegative")
		} else if text := string(value); text != "true" && text != "false" {
			faults.AddJSON(field, value, "must be true or false")
		} else {
			set.AllowNegative = text == "true"
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return set, s.saveSettings(r.Context(), account, set)
}
