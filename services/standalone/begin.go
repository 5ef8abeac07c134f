package standalone

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// begin tells who starts with nothing how to make an account, and a key for it.
func (c Config) begin(ctx context.Context, store hook.Accounts, url string) {
	accounts, _, err := store.Accounts(ctx, hook.Page{Limit: 1})
	if err != nil {
		c.Log.Warn("it is not known whether there are accounts", zap.Error(err))
		return
	}
	if len(accounts) > 0 {
		return
	}
	fmt.Fprintf(c.Out, `  There is no account yet. In another terminal, these make one, and a key for the API and the portal:

    AUTH='Authorization: Bearer %s'
    curl %s/v1/accounts -H "$AUTH" --json '{"id": "acme"}'
    curl %[2]s/v1/api-keys -H "$AUTH" -H 'Staffetta-Account: acme' \
      --json '{"name": "first", "scopes": ["read", "write", "publish", "settings"]}'

`, c.AdminKey, url)
}
