// tries: the value in a br body
// ends: nothing
// needs: node
const zlib = require("zlib"), https = require("https");
const [host, port] = process.env.TARGET.split(":");
const r = https.request({ host, port, method: "POST", headers: { "Content-Encoding": "br" } }, (a) => a.resume());
r.on("error", () => {});
r.end(zlib.brotliCompressSync("hello " + process.env.CANARY));
