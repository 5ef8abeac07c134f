package problem_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

func TestWriteNamesFieldValueAndRule(t *testing.T) {
	t.Parallel()
	var faults hook.Invalid
	faults.Add("eventType", "created", "must be create, update or delete")
	faults.Add("items", "", "is required")

	w := httptest.NewRecorder()
	problem.Write(w, http.StatusUnprocessableEntity, "", "", faults)

	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	require.JSONEq(t, `{
		"type": "about:blank", "title": "Unprocessable Entity", "status": 422,
		"detail": "eventType must be create, update or delete, not \"created\"; items is required",
		"errors": [
			{"field": "eventType", "value": "created", "rule": "must be create, update or delete"},
			{"field": "items", "rule": "is required"}
		]}`, w.Body.String())
}

func TestWriteKeepsTitleAndDetail(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.Write(w, http.StatusGone, "Deleted", "contact 7 was deleted", nil)
	require.JSONEq(t, `{"type": "about:blank", "title": "Deleted", "status": 410, "detail": "contact 7 was deleted"}`,
		w.Body.String())
}
