// tries: a request of HTTP/2 for another host than its connection
// ends: nothing
// needs: node
const h2 = require("http2");
const session = h2.connect("https://" + process.env.TARGET);
session.on("error", () => {});
const s = session.request({ ":method": "POST", ":path": "/", ":authority": "evil.example" });
s.on("error", () => {});
s.on("response", (h) => { if (h[":status"] === 200) console.log("GOT an answer for another host"); });
s.resume();
s.end("x");
setTimeout(() => process.exit(0), 2000);
