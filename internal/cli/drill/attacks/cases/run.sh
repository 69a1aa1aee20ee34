# Runs one case by the program that it is written for.
cd /job
case "$1" in
*.py) exec python3 "$1" ;;
*.js) exec node "$1" ;;
*) exec sh "$1" ;;
esac
