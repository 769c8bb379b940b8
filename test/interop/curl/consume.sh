#!/bin/sh
# Takes one message of a queue. Prints the status, the headers of a message, and below an empty line its bytes.
#   REST, TOKEN
#   consume.sh <queue, percent-encoded> <qos>
set -eu
curl -sS -i -X POST "$REST/messagingrest/v1/queues/$1/messages/consumption" \
  -H "Authorization: Bearer $TOKEN" -H "x-qos: $2"
