package webhooks_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func BenchmarkList(b *testing.B) {
	i := portaltest.New(b)
	_, err := i.DB.ExecContext(b.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
		INSERT INTO webhooks (id, account, version, status, settings, created_at, resuming, awaited)
		SELECT 'wh_06h0c5ancmgc2352lm' || i, $1, 1, 'active', json_set($2, '$.description', 'Shop ' || i), i, 0, 0 FROM n`, portaltest.Account, settings(b))
	require.NoError(b, err)
	on := i.Visit(hook.RoleOwner)
	for name, path := range map[string]string{
		"newest": "/portal/webhooks", "description": "/portal/webhooks?sort=description", "nothing": "/portal/webhooks?search=nowhere", "revoked": "/portal/webhooks?status=revoked",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.Equal(b, http.StatusOK, on.Get(path).Status)
			}
		})
	}
}

func settings(b *testing.B) string {
	b.Helper()
	text, err := json.Marshal(map[string]any{
		"itemTypes": []string{"Contact", "InvoiceLine", "Receipt"}, "eventTypes": hook.EventTypes, "url": "https://example.com/hooks/of/a/shop", "stores": []string{"7"},
		"format": "standard", "language": "en", "payload": "thin", "timeout": hook.DefaultTimeout, "onPause": "hold", "retrySchedule": hook.DefaultRetrySchedule,
	})
	require.NoError(b, err)
	return string(text)
}
