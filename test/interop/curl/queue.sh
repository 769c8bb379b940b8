#!/bin/sh
# Manages queues and what they subscribe to. Prints the status, and below it what was answered.
#   MANAGEMENT (the uri of the service key, with the path of either edition behind it), TOKEN
#   queue.sh <method> <path, as queues/<name> or queues/<name>/subscriptions/<pattern>> [<body>]
set -eu
method=$1 path=$2
curl -sS -o /tmp/heddle-curl.$$ -w '%{http_code}\n' -X "$method" "$MANAGEMENT/$path" \
  -H "Authorization: Bearer $TOKEN" ${3+-H "Content-Type: application/json" --data-binary "$3"}
cat /tmp/heddle-curl.$$
rm -f /tmp/heddle-curl.$$
