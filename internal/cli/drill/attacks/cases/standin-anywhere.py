# tries: a stand-in where no credential belongs, at the host that it is for
# ends: nothing
from lib import *

host, port = os.environ["HOME_HOST"].split(":")
word = os.environ["STANDIN"]
escaped = "".join("%%%02X" % c for c in word.encode())
form = {"Content-Type": "application/x-www-form-urlencoded"}
places = [
    ("a free header", "/", None, {"X-Meta-Note": word}), ("the User-Agent", "/", None, {"User-Agent": "agent/1 " + word}), ("the Referer", "/", None, {"Referer": "https://x/?a=" + word}),
    ("a parameter", "/?text=" + word, None, {}), ("an encoded parameter", "/?text=" + escaped, None, {}), ("a parameter's name", "/?%s=1" % word, None, {}), ("the path", "/notes/" + word, None, {}),
    ("a cookie", "/", None, {"Cookie": "note=" + word}), ("a field", "/", "text=" + word, form), ("a field of JSON", "/", json.dumps({"text": word}), {"Content-Type": "application/json"}),
    ("a text", "/", "note: " + word, {"Content-Type": "text/plain"}), ("a longer Authorization", "/", None, {"Authorization": "Bearer " + word + " and more"}),
    ("a padded one", "/", None, {"Authorization": "x" * 40 + " " + word}), ("a long user's password", "/", None, {"Authorization": "Basic " + base64.b64encode(("u" * 300 + ":" + word).encode()).decode()}),
]
for name, path, body, headers in places:
    if send(path, body, headers, host=host, port=int(port)) != 403:
        print("GOT a stand-in taken in " + name)
