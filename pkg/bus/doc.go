// Package bus is the adapter to Kafka, on kafka-go: a producer that batches by
// itself, a fetcher that reads many partitions read-committed through a few
// requests per broker, consumer groups whose members own the same partition
// numbers of every topic, and the topics with their settings.
//
// It goes below kafka-go's Writer, Reader and ConsumerGroup, for reasons that
// stand where it does so, but uses its connections and most of its protocol.
//
//	client.go       Dial, Close; who may connect
//	call.go         one request to one chosen broker, at a chosen version
//	layout.go       which broker leads which partition
//	faults.go       the errors, and which of them pass by themselves
//	record.go       Record, PartitionOf
//	encode.go       records to a batch of the wire format
//	decode.go       a batch of the wire format to records
//	transactions.go what of a batch an aborted transaction takes away
//	producer.go     Produce, Close
//	outbox.go       the queue of one partition and the requests it goes into
//	produce.go      one produce request and its answer
//	fetch.go        one fetch request and its answer
//	fetcher.go      Add, Remove, Pause, Poll
//	fetchplace.go   where partitions are fetched, and from which position
//	fetchstation.go which partitions are asked for together
//	fetchloop.go    the loop that keeps one request outstanding at a broker
//	fetchtake.go    what becomes of its answers
//	offsets.go      ends, starts and committed offsets; ReadAt
//	group.go        Run: generations and their heartbeats
//	member.go       joining, beating and leaving
//	coordinator.go  which broker keeps a group, and asking it
//	balancer.go     who owns which partition numbers
//	tracker.go      which records of a partition are done
//	topics.go       what topics there are and how they are set up
//	admin.go        EnsureTopics, CheckTopics
//	kept.go         how long a topic keeps a record
package bus
