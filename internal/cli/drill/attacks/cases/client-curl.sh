# tries: the value by curl, over HTTP/2
# ends: nothing
# needs: curl
curl -sk --http2 -d "note=$CANARY" -H "X-Note: $CANARY" "https://$TARGET/" >/dev/null || true
