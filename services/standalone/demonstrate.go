package standalone

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/staffetta/staffetta/services/demo"
)

// demonstrate runs the demo against the API at url, and shows each delivery as a
// line.
func (c Config) demonstrate(ctx context.Context, url string) error {
	d, err := demo.New(demo.Config{
		URL: url, AdminKey: c.AdminKey, KeyFile: filepath.Join(c.DataDir, "demo-key"), Log: c.Log.Named("demo"),
		Ready: func(a demo.Access) {
			fmt.Fprintf(c.Out, `  The demo changes something every moment, and receives it at %s

  API key      %s   (account %s; for the portal, too)

  Try          curl -H 'Authorization: Bearer %s' '%s/v1/deliveries?limit=1'

`, a.Receiver, a.Key, a.Account, a.Key, url)
		},
		Delivered: func(d demo.Delivery) {
			fmt.Fprintf(c.Out, "%s  delivered  %-24s %-28s %4d ms after the change\n",
				d.At.Format(time.TimeOnly), d.Type, strings.Join(d.Refs, " "), d.Took.Milliseconds())
		},
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
