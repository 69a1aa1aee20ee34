package portal

import (
	"fmt"
	"net/http"
)

// Shown are ways to show a text, in red and with nothing else red, by scripts that have
// it as v: at /app/shown/WAY. It is what the cookie of /app is, or what the address says
// as v.
var Shown = map[string]string{
	"text":          `o.textContent = v`,
	"over lines":    `o.style.width = '90px'; o.style.wordBreak = 'break-all'; o.innerHTML = '<span></span>'; o.firstChild.textContent = v`,
	"after a word":  `o.innerHTML = 'your session <span style="color:#f00"></span> is good'; o.style.width = '160px'; o.style.color = '#000'; o.querySelector('span').textContent = v; o.style.wordBreak = 'break-all'`,
	"in pieces":     `for (let i = 0; i < v.length; i += 6) { const s = document.createElement('span'); s.textContent = v.slice(i, i + 6); o.append(s) }`,
	"as text nodes": `for (let i = 0; i < v.length; i += 9) o.append(document.createTextNode(v.slice(i, i + 9)))`,
	"by attr()":     `o.setAttribute('data-v', v); css('#o::after { content: attr(data-v) }')`,
	"by content":    `css('#o::before { content: "' + v + '" }')`,
	"turned":        `o.textContent = v; o.style.cssText = 'position:absolute;left:200px;top:200px;transform:rotate(35deg)'`,
	"moved":         `o.textContent = v; o.style.cssText = 'transform:translate(300px,250px) scale(1.5)'`,
	"mirrored":      `o.textContent = v; o.style.cssText = 'width:600px;-webkit-box-reflect:below 30px'`,
	"in shadow":     `o.textContent = 'x'; o.style.cssText = 'color:transparent;text-shadow:0 40px #f00'; o.textContent = v`,
	"in a root":     `const r = o.attachShadow({mode: 'closed'}); r.innerHTML = '<b></b>'; r.firstChild.textContent = v`,
	"in a field":    `o.innerHTML = '<input style="color:#f00;width:500px">'; o.firstChild.value = v`,
	"in an area":    `o.innerHTML = '<textarea style="color:#f00;width:500px"></textarea>'; o.firstChild.value = v`,
	"as a hint":     `o.innerHTML = '<input style="width:500px">'; css('input::placeholder { color: #f00; opacity: 1 }'); o.firstChild.placeholder = v`,
	"in a choice":   `o.innerHTML = '<select style="color:#f00;appearance:none"><option></option></select>'; o.querySelector('option').textContent = v`,
	"in a drawing":  `o.innerHTML = '<svg width=700 height=60><text x=10 y=40 fill="#f00"></text></svg>'; o.querySelector('text').textContent = v`,
	"in a frame":    `o.innerHTML = '<iframe style="width:700px;height:90px;border:0;transform:translate(40px,60px)"></iframe>'; o.firstChild.contentDocument.body.innerHTML = '<b style="color:#f00"></b>'; o.firstChild.contentDocument.body.firstChild.textContent = v`,
	"far below":     `o.style.marginTop = '2000px'; o.textContent = v; scrollTo(0, 1700)`,
	"scrolled":      `o.style.cssText = 'height:60px;width:700px;overflow:auto'; o.innerHTML = '<p style="height:300px">'; const p = document.createElement('p'); p.textContent = v; o.append(p); o.scrollTop = 999`,
	"in a column":   `o.style.cssText = 'columns:3;width:420px;word-break:break-all'; o.textContent = v`,
	"upright":       `o.style.cssText = 'writing-mode:vertical-rl;height:400px'; o.textContent = v`,
}

func (p *Portal) shown() {
	p.mux.HandleFunc("GET /app/shown/{way}", func(w http.ResponseWriter, r *http.Request) {
		page(w, fmt.Sprintf(`<title>Shown</title><style>body { font: 20px monospace } #o { color: #f00 }</style><p>what is known here</p><div id=o></div><script>
			function css(t) { const s = document.createElement('style'); s.textContent = t; document.head.append(s) }
			const v = new URLSearchParams(location.search).get('v') || document.cookie.match(/app=([^;]+)/)[1]; %s</script>`, Shown[r.PathValue("way")]))
	})
	p.mux.HandleFunc("GET /hostile/red", func(w http.ResponseWriter, _ *http.Request) {
		page(w, form("/session", `<style>#p { color: #f00; font-size: 30px }</style><script>document.forms[0].onsubmit = e => { e.preventDefault() }; p.oninput = () => { p.type = 'text' }</script>`))
	})
}
