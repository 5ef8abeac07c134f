// Package embedded runs the servers that Staffetta needs inside the process: a
// Kafka and a Redis, for standalone and for tests. The clients do not know the
// difference.
package embedded
