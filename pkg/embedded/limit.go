package embedded

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// limitByPartition turns the limit of a whole answer into limits of its
// partitions. kfake, when it meets the former, leaves out which transactions
// were aborted, so that a reader would take their records for good.
func limitByPartition(fetch *kmsg.FetchRequest) {
	count := 0
	for i := range fetch.Topics {
		count += len(fetch.Topics[i].Partitions)
	}
	if count == 0 {
		return
	}
	share := max(fetch.MaxBytes/int32(count), 1)
	for i := range fetch.Topics {
		partitions := fetch.Topics[i].Partitions
		for j := range partitions {
			partitions[j].PartitionMaxBytes = min(partitions[j].PartitionMaxBytes, share)
		}
	}
	fetch.MaxBytes = math.MaxInt32
}
