# An agent with a browser: by the cell's MCP endpoint, a message at a time.
import json, os, sys, urllib.request

portal, archive = sys.argv[1], sys.argv[2]


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
print("archive:", first(call("browser_sign_in", url=archive + "/login")))
call("browser_file_upload", paths=["/job/out/invoice-2026-11.pdf"])
page = call("browser_click", ref=ref(call("browser_snapshot"), "Upload"))
print("archive:", [line.strip() for line in page.splitlines() if "Filed" in line])

print("and now what it may not:")
for one in json.load(open("tries.json")):
    said = [call(one["tool"], **one["arguments"])]
    if one["tool"] == "browser_sign_in":
        said += [call("browser_snapshot"), call("browser_console_messages"), call("browser_network_requests", includeStatic=True)]
    print("TRIED", one["what"] + ":", *said)

call("browser_sign_in", url=portal + "/hostile/never")
page = call("browser_snapshot")
secret, plain = ref(page, "Password"), ref(page, "User name")
call("browser_click", ref=secret)
said = [call("browser_press_key", key="Control+a"), call("browser_press_key", key="Control+c")]
call("browser_click", ref=plain)
said += [call("browser_press_key", key="Control+v"), call("browser_drag", startRef=secret, endRef=plain), call("browser_snapshot")]
print("TRIED its own hands, by copying the field:", *said)
