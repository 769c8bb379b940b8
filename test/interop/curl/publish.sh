#!/bin/sh
# Publishes the bytes of a file. Prints the status, and below it what was answered.
#   REST, TOKEN
#   publish.sh queues|topics <name, percent-encoded> <content type> <file> [<further options of curl>]
set -eu
kind=$1 name=$2 type=$3 file=$4
shift 4
curl -sS -o /tmp/heddle-curl.$$ -w '%{http_code}\n' -X POST "$REST/messagingrest/v1/$kind/$name/messages" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: $type" -H "x-qos: 1" --data-binary "@$file" "$@"
cat /tmp/heddle-curl.$$
rm -f /tmp/heddle-curl.$$
