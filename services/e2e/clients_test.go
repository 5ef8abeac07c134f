package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/bus"
)

// examples are programs of docs/upstream.md, which publish with clients that were not
// written here.
const examples = "../../docs/examples/upstream"

// clientsFolder is where .ci/clients installed what those need.
func clientsFolder(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("STAFFETTA_TEST_CLIENTS")
	if folder == "" {
		t.Skip("NOT TESTED with kcat, Python, Node.js, Java and Debezium: STAFFETTA_TEST_CLIENTS does not name what .ci/clients installs")
	}
	return folder
}

// program is a command for which more of the environment is set.
type program struct {
	name string
	args []string
	env  []string
	dir  string
}

func (p program) run(t *testing.T, stdin string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, p.name, p.args...)
	var out bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr, c.Dir, c.Env = strings.NewReader(stdin), &out, &out, p.dir, append(os.Environ(), p.env...)
	require.NoError(t, c.Run(), "%s %v: %s", p.name, p.args, &out)
	return out.String()
}

// publishers are the examples that publish a change in each form.
func publishers(t *testing.T) map[string]program {
	t.Helper()
	folder, root := clientsFolder(t), "../.."
	return map[string]program{
		"kcat": {name: "docs/examples/upstream/kcat.sh", dir: root,
			env: []string{"PATH=" + filepath.Join(folder, "bin") + ":" + os.Getenv("PATH")}},
		"Python": {name: filepath.Join(folder, "python/venv/bin/python3"), args: []string{examples + "/python/publish.py"},
			env: []string{"PYTHONPATH=" + filepath.Join(folder, "python")}},
		"Node.js": {name: "node", args: []string{examples + "/node/publish.js"},
			env: []string{"NODE_PATH=" + filepath.Join(folder, "node/node_modules")}},
		"Java": {name: "java", args: []string{"-XX:TieredStopAtLevel=1", "-cp",
			filepath.Join(folder, "java/classes") + ":" + filepath.Join(folder, "java/libs/*"), examples + "/java/src/main/java/Publish.java"}},
	}
}

func deliversOtherClients(t *testing.T, in *installation) {
	const topic, partitions = "events.contacts", 8
	for name, p := range publishers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// An account for which librdkafka's own choice of the partition is another.
			a := in.newTenant(t)
			for bus.PartitionOf([]byte(a.account+"/Contact"), partitions) == int(crc32.ChecksumIEEE([]byte(a.account+"/Contact"))%partitions) {
				a = in.newTenant(t)
			}
			r := newReceiver(t, nil)
			_, secret := a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "payload": "full"})
			in.awaitLive(t)
			began := time.Now()
			p.env = append(p.env, "KAFKA="+in.backends.environment()["STAFFETTA_KAFKA_BROKERS"], "ACCOUNT="+a.account)
			p.run(t, "")
			t.Logf("%s took %s", name, time.Since(began).Round(time.Millisecond))

			items, ids := map[any]bool{}, map[any]bool{}
			for _, request := range r.await(t, 4) {
				requireSigned(t, request, secret)
				body := request.json(t)
				require.Equal(t, "contact.update", body["type"])
				item := body["data"].(object)["items"].([]any)[0].(object)
				require.Equal(t, fmt.Sprintf("/contacts/%v", item["id"]), item["ref"])
				require.EqualValues(t, 3, item["version"])
				require.Equal(t, object{"name": "Mario Rossi"}, item["data"])
				id := body["data"].(object)["id"].(string)
				require.NotContains(t, id, "evt_", "each has the id that its program gave it")
				items[item["id"]], ids[id] = true, true
			}
			require.Equal(t, map[any]bool{1.0: true, 2.0: true, 3.0: true, 4.0: true}, items, "JSON, protobuf, CloudEvents binary and structured")
			require.Len(t, ids, 4)
			for _, record := range in.awaitRecords(t, topic, a.account+"/Contact", began, 4) {
				require.EqualValues(t, bus.PartitionOf(record.Key, partitions), record.Partition, "where Staffetta and Java clients put it")
			}
		})
	}
}

// awaitRecords reads that many records of a key from a topic.
func (in *installation) awaitRecords(t *testing.T, topic, key string, since time.Time, count int) (found []*kgo.Record) {
	t.Helper()
	u := in.upstream(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(since.Add(-time.Minute).UnixMilli())))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for len(found) < count && ctx.Err() == nil {
		for iter := u.client.PollFetches(ctx).RecordIter(); !iter.Done(); {
			if r := iter.Next(); string(r.Key) == key {
				found = append(found, r)
			}
		}
	}
	require.Len(t, found, count, "records of %s in %s", key, topic)
	return found
}
