#!/bin/sh
# Publishes one change in each form with kcat. For protobuf it needs buf, too, and is to
# be run in the root of Staffetta's repository.
set -eu

account=${ACCOUNT:-demo}

# publish [-H NAME=VALUE…] [FILE] sends a line of standard input, or a whole file.
publish() {
	kcat -P -b "${KAFKA:-127.0.0.1:19092}" -t events.contacts -k "$account/Contact" \
		-X partitioner=murmur2_random -X enable.idempotence=true "$@"
}

# change ID ITEM is an event about one contact.
change() {
	printf '{"id": "%s", "account": "%s", "eventType": "update", "itemType": "Contact", ' "$1" "$account"
	printf '"items": [{"id": %s, "ref": "/contacts/%s", "version": 3, "data": {"name": "Mario Rossi"}}]}' "$2" "$2"
}

# One id for one change: whoever sends it again repeats the id.
run=$(date +%s)-$$

# JSON
change "json-$run" 1 | publish

# Protobuf: the fields have the same names; data is base64 of JSON.
event=$(mktemp)
trap 'rm -f "$event"' EXIT
printf '{"id": "protobuf-%s", "account": "%s", "eventType": "EVENT_TYPE_UPDATE", "itemType": "Contact",
  "items": [{"id": "2", "ref": "/contacts/2", "version": 3, "data": "%s"}]}' \
	"$run" "$account" "$(printf '{"name": "Mario Rossi"}' | base64)" |
	buf convert proto --type staffetta.event.v1.EntityChange --from -#format=json --to "$event#format=binpb"
publish -H content-type=application/protobuf "$event"

# CloudEvents, binary: the attributes are headers.
change "binary-$run" 3 |
	publish -H ce_specversion=1.0 -H "ce_id=binary-$run" -H ce_source=/crm -H ce_type=contact.updated \
		-H content-type=application/json

# CloudEvents, structured: the attributes are around the event.
printf '{"specversion": "1.0", "id": "structured-%s", "source": "/crm", "type": "contact.updated", "data": %s}\n' \
	"$run" "$(change "structured-$run" 4)" |
	publish -H content-type=application/cloudevents+json
