#!/bin/sh
# Says that a message is done with. Prints the status, and below it what was answered.
#   REST, TOKEN
#   acknowledge.sh <queue, percent-encoded> <X-Message-Id>
set -eu
curl -sS -o /tmp/heddle-curl.$$ -w '%{http_code}\n' -X POST \
  "$REST/messagingrest/v1/queues/$1/messages/$2/acknowledgement" -H "Authorization: Bearer $TOKEN"
cat /tmp/heddle-curl.$$
rm -f /tmp/heddle-curl.$$
