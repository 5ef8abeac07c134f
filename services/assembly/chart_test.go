package assembly

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/pkg/upstream"
	"github.com/staffetta/staffetta/services/contacts"
	"github.com/staffetta/staffetta/services/invoices"
	"github.com/staffetta/staffetta/services/receipts"
	"github.com/staffetta/staffetta/services/stock"
)

// TestTheChartSendsEachPathToTheServiceThatAnswersIt: its Ingress knows the paths by a file.
func TestTheChartSendsEachPathToTheServiceThatAnswersIt(t *testing.T) {
	t.Parallel()
	const path = "../../charts/staffetta/files/services.yaml"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var chart struct {
		Services map[string]struct{ Collections []string }
	}
	require.NoError(t, yaml.Unmarshal(text, &chart))

	client, err := bus.Dial(bus.Config{Brokers: []string{"127.0.0.1:1"}}) // nothing runs
	require.NoError(t, err)
	t.Cleanup(client.Close)
	db := sqlstoretest.SQLite(t)
	store := sqlstore.New(db, nil)
	cfg := upstream.Config{Bus: client, DB: db, Authorizer: apiauth.New(apiauth.Config{Keys: store, Accounts: store})}
	for name, build := range map[string]func() (domain, error){
		"receipts": func() (domain, error) { return receipts.New(cfg) },
		"invoices": func() (domain, error) { return invoices.New(cfg) },
		"contacts": func() (domain, error) { return contacts.New(cfg) },
		"stock":    func() (domain, error) { return stock.New(cfg) },
	} {
		service, err := build()
		require.NoError(t, err)
		require.ElementsMatch(t, service.Collections(), chart.Services[name].Collections,
			"write them to %s, and then: make test-chart TESTFLAGS=-update", path)
	}
}
