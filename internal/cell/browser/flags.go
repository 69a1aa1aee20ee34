package browser

import "os"

// programs are where a Chromium without a window is looked for: the program
// itself, and not the scripts around it.
var programs = []string{"/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium-browser/headless_shell", "/usr/bin/headless_shell"}

// Program is the machine's Chromium; empty where there is none.
func Program() string {
	for _, path := range programs {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// Flags are a Chromium's arguments: its profile in the folder, nothing that it
// says or asks by itself, and the authority with this pin (SHA-256 of the public
// key, in base64) beside the system's. Empty leaves the system's alone.
func Flags(profile, pin string) []string {
	flags := []string{
		"--remote-debugging-pipe", "--user-data-dir=" + profile, "--headless", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-extensions", "--disable-default-apps",
		"--disable-crash-reporter", "--disable-breakpad", "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings",
		"--disable-hang-monitor", "--disable-prompt-on-repost", "--disable-print-preview", "--metrics-recording-only", "--mute-audio", "--hide-scrollbars",
		"--password-store=basic", "--use-mock-keychain", "--lang=en-US", "--window-size=1280,800", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--no-proxy-server", "--site-per-process", "--disable-dev-shm-usage", "--disk-cache-size=33554432", "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
		"--disable-backgrounding-occluded-windows", "--disable-back-forward-cache", "--blink-settings=primaryPointerType=4",
		"--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication,PasswordManagerOnboarding,InterestFeedContentSuggestions,CalculateNativeWinOcclusion,AcceptCHFrame,DialMediaRouteProvider,Prerender2,SpeculationRulesPrefetchFuture,WebUSB,WebBluetooth,PrivacySandboxSettings4",
	}
	if pin != "" {
		flags = append(flags, "--ignore-certificate-errors-spki-list="+pin)
	}
	return append(flags, "--no-startup-window")
}
