# The report, and what the same job does when it is hostile.
case "$1" in
--attack) exec python3 -I ./attack.py "$2" "$3" ;;
--sleep) exec sleep 600 ;;
esac

set -eu
psql=$(ls /usr/lib/postgresql/*/bin/psql | tail -n 1)

curl -sS --fail -H "Authorization: Bearer $API_KEY" "$API/v1/invoices" > /tmp/invoices.json
"$psql" "$DATABASE_URL" -qAt -c 'SELECT invoice, cents FROM payments' > /tmp/payments.txt

python3 - "$2" <<'PY' | tee /job/out/report.txt
import json, sys
paid = dict(line.strip().split("|") for line in open("/tmp/payments.txt"))
print("invoices of", sys.argv[1])
due = 0
for i in json.load(open("/tmp/invoices.json")):
    state = "paid" if i["id"] in paid else "open"
    due += 0 if i["id"] in paid else i["cents"]
    print(f'{i["id"]}  {i["customer"]:<12} {i["cents"]/100:>10.2f}  {state}')
print(f"open: {due/100:.2f}")
PY
