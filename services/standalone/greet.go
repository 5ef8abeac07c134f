package standalone

import (
	"fmt"
	"strings"
)

// greet tells people what there is to try.
func (c Config) greet(address string) {
	allowed := make([]string, len(c.EgressAllow))
	for i, network := range c.EgressAllow {
		allowed[i] = network.String()
	}
	fmt.Fprintf(c.Out, `
Staffetta %s is running.

  portal       http://%s/portal/
  API          http://%[2]s      (OpenAPI: /openapi.json)
  admin key    %s
  Kafka        %s      (topics events.receipts, events.contacts, …)
  data         %s
  deliveries   may reach public addresses by https, and %s

`, c.Version, address, c.AdminKey, strings.Join(c.Kafka.Brokers, ","), c.DataDir, strings.Join(allowed, ", "))
}
