#!/bin/sh
# Publishes CloudEvents. Prints the status, and below it what was answered.
#   REST, TOKEN
#   event.sh <content type> <file> [<further options of curl, such as -H 'ce-id: 1'>]
set -eu
type=$1 file=$2
shift 2
curl -sS -o /tmp/heddle-curl.$$ -w '%{http_code}\n' -X POST "$REST/sap/ems/v1/events" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: $type" -H "qos: AT_LEAST_ONCE" --data-binary "@$file" "$@"
cat /tmp/heddle-curl.$$
rm -f /tmp/heddle-curl.$$
