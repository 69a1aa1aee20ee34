package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"hotcell/internal/cell/browser"
)

// danceTime is how long signing in at a service may take.
const danceTime = 30 * time.Second

// dance opens a link as ada does, in a browser, and allows what it asks for; it
// returns what the last page says. Without a Chromium, a client without scripts
// and styles does the same, and it is said.
func (s *show) dance(ctx context.Context, link string) (string, error) {
	program := browser.Program()
	if program == "" {
		if !s.plain {
			s.plain = true
			s.say(noChromium, "links are opened by a plain HTTP client, which runs no script of the pages")
		}
		return s.consent(ctx, link)
	}
	ctx, cancel := context.WithTimeout(ctx, danceTime)
	defer cancel()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program),
		chromedp.Flag("host-resolver-rules", "MAP *.acme.test 127.0.0.1"),
		// The company's authority is of today, and no system knows it.
		chromedp.Flag("ignore-certificate-errors", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // a person's browser is no root's
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	page, end := chromedp.NewContext(allocator)
	defer end()
	err := chromedp.Do(page,
		chromedp.Navigate(link), chromedp.Click(chromedp.CSS("button[type=submit]")),
		chromedp.Click(chromedp.CSS("button[value='ada@acme.test']")), chromedp.Click(chromedp.CSS("#allow")),
		chromedp.WaitVisible(chromedp.CSS("main")),
	)
	if err != nil {
		return "", fmt.Errorf("signing in at a service in a browser: %w", err)
	}
	return chromedp.Run(page, chromedp.Text(chromedp.CSS("main")))
}

var requestOf = regexp.MustCompile(`name="request" value="([^"]+)"`)

// consent opens a link, goes on to the service's page of consent, and says yes.
func (s *show) consent(ctx context.Context, link string) (string, error) {
	text, err := os.ReadFile(s.company.CA)
	if err != nil {
		return "", fmt.Errorf("reading the company's authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".acme.test") {
				address = "127.0.0.1:" + port
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	page, err := post(ctx, client, link, nil)
	if err != nil {
		return "", err
	}
	m := requestOf.FindStringSubmatch(page)
	if m == nil {
		return "", fmt.Errorf("the link does not lead to a page of consent")
	}
	return post(ctx, client, s.company.Base("accounts")+"/consent", url.Values{"request": {m[1]}, "who": {"ada@acme.test"}, "answer": {"allow"}})
}

func post(ctx context.Context, by *http.Client, to string, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := by.Do(r)
	if err != nil {
		return "", fmt.Errorf("opening a page: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return string(text), err
}
