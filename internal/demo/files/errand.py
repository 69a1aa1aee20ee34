# An agent with a browser: by the cell's MCP endpoint, a message at a time.
import json, os, sys, urllib.request

portal, attacker = sys.argv[1], sys.argv[2]


def call(tool, **arguments):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    answer = urllib.request.urlopen(urllib.request.Request(os.environ["HOTCELL_MCP_URL"], body, headers)).read().decode()
    result = json.loads(answer[answer.index("{"):])
    if "error" in result:
        return "ERROR " + result["error"]["message"]
    text = "\n".join(c.get("text", "") for c in result["result"]["content"])
    return "ERROR " + text if result["result"].get("isError") else text


def ref(page, words):
    return [line.split("[ref=")[1].split("]")[0] for line in page.splitlines() if words in line and "[ref=" in line][0]


def first(text):
    return text.strip().split("\n")[0][:110]


page = call("browser_sign_in", url=portal + "/login-code")
print("sign in:", first(page))
print("invoice:", first(call("browser_click", ref=ref(page, "Invoice"))))
print("in /job/out:", os.listdir("/job/out"))
call("browser_navigate", url=portal + "/archive")
call("browser_file_upload", paths=["/job/out/invoice-2026-11.pdf"])
page = call("browser_click", ref=ref(call("browser_snapshot"), "Upload"))
print("archive:", [line.strip() for line in page.splitlines() if "Filed" in line])

print("and now what it may not:")
for what, path in [
    ("a page that sends keys away", "/hostile/script-input"), ("a page that turns the field to text", "/hostile/turned"), ("a form that sends elsewhere", "/hostile/action-elsewhere"),
    ("a redirect that carries the body elsewhere", "/hostile/redirect-307"), ("a site that repeats the password", "/hostile/echo-page"), ("a site that repeats it in base64", "/hostile/echo-base64"),
    ("a page that writes it to its title", "/hostile/title"), ("a page that writes it to its console", "/hostile/console"), ("a service worker that reads it", "/hostile/worker"),
]:
    got = call("browser_sign_in", url=portal + path, wait=False)
    print("TRIED", what + ":", got, call("browser_snapshot"), call("browser_console_messages"), call("browser_network_requests", includeStatic=True), "END")
print("TRIED a site that looks alike:", call("browser_sign_in", url=attacker + "/login", wait=False), "END")
print("TRIED the page's scripts:", call("browser_evaluate", function="() => document.cookie"), "END")
print("TRIED files of the browser:", call("browser_navigate", url="file:///proc/self/environ"), "END")
