#!/bin/sh
# An access token, in one of the ways in which clients of SAP Event Mesh ask for it.
#   TOKEN_URL, CLIENT_ID, CLIENT_SECRET: of the service key, oa2.
#   token.sh get|basic|body
set -eu
case "$1" in
  get) answer=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" "$TOKEN_URL?grant_type=client_credentials&response_type=token") ;;
  basic) answer=$(curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials "$TOKEN_URL") ;;
  body)
    answer=$(curl -sS "$TOKEN_URL" -d grant_type=client_credentials \
      --data-urlencode "client_id=$CLIENT_ID" --data-urlencode "client_secret=$CLIENT_SECRET")
    ;;
esac
printf '%s' "$answer" | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
