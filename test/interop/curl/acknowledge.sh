#!/bin/sh
# Says that a message is done with. Prints the status.
#   REST, TOKEN
#   acknowledge.sh <queue, percent-encoded> <X-Message-Id>
set -eu
curl -sS -o /dev/null -w '%{http_code}\n' -X POST "$REST/messagingrest/v1/queues/$1/messages/$2/acknowledgement" \
  -H "Authorization: Bearer $TOKEN"
