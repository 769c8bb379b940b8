#!/bin/sh
# Manages webhook subscriptions. Prints the status, and below it what was answered.
#   REST, TOKEN
#   subscription.sh <method> <door, as messagingrest/v1 or sap/ems/v1/events> <path behind /subscriptions, or ""> [<body>]
set -eu
method=$1 door=$2 path=$3
curl -sS -o /tmp/heddle-curl.$$ -w '%{http_code}\n' -X "$method" "$REST/$door/subscriptions$path" \
  -H "Authorization: Bearer $TOKEN" ${4+-H "Content-Type: application/json" --data-binary "$4"}
cat /tmp/heddle-curl.$$
rm -f /tmp/heddle-curl.$$
