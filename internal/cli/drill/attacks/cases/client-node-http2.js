// tries: the value by HTTP/2, in a header, a body and a trailer
// ends: nothing
// needs: node
const h2 = require("http2");
const session = h2.connect("https://" + process.env.TARGET);
session.on("error", () => {});
const s = session.request({ ":method": "POST", ":path": "/", "x-note": Buffer.from(process.env.CANARY).toString("base64") }, { waitForTrailers: true });
s.on("error", () => {});
s.on("wantTrailers", () => s.sendTrailers({ "x-tail": process.env.CANARY }));
s.on("response", () => {});
s.resume();
s.end("x" + process.env.CANARY);
s.on("close", () => session.close());
setTimeout(() => process.exit(0), 3000);
