package api

import (
	"io"
	"net/http"
	"strings"
)

// greet says at the port's root what is here: a page to browsers, text to others.
func greet(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, welcome)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, welcomePage)
}

const welcome = `Hotcell is running. In this version people use it from the machine that it runs on:

` + steps + `
The API is on the socket in the data folder, and described at /openapi.json.
`

const steps = `    hotcell secrets create billing --env-file .env
    hotcell assignments create report --command 'python3 report.py' --files ./report
    hotcell assignments attach report billing
    hotcell run report
`

// welcomePage is the same for people who come with a browser. It has no style of its
// own: nothing has to be let through for it.
const welcomePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hotcell is running</title>
</head>
<body>
<main>
<h1>Hotcell is running</h1>
<p>In this version people use it from the machine that it runs on:</p>
<pre tabindex="0" role="region" aria-label="The first commands">
` + steps + `</pre>
<p>The API is on the socket in the data folder, and described at <a href="/openapi.json">/openapi.json</a>.</p>
</main>
</body>
</html>
`
