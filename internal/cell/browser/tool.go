package browser

import (
	"fmt"
	"time"
)

// waitLimit is how long an agent may wait for something in a page.
const waitLimit = 5 * time.Minute

// signLimit is how long a sign-in may take, with a person who has to be asked.
const signLimit = 14 * time.Minute

// tools is the table of them.
func tools() []tool {
	return []tool{
		{name: "browser_navigate", title: "Go to an address", about: "Open an http or https address in the browser. Only hosts that the assignment allows, and the sites of its logins, can be reached.", input: "url!", do: (*call).navigate},
		{name: "browser_navigate_back", title: "Go back", about: "Go back to the page before.", do: (*call).back},
		{name: "browser_snapshot", title: "Read the page", about: "The page as text, with a ref for each element that can be acted on. Better than a screenshot to act by. Of a long page, a part: with target, depth or offset.", input: "target depth offset filename", reads: true, do: (*call).see},
		{name: "browser_click", title: "Click", about: "Click an element of the last snapshot.", input: "target ref element doubleClick button modifiers", destroys: true, do: (*call).click},
		{name: "browser_type", title: "Type text", about: "Replace the text of a field. Fields for passwords and codes take none: sign in with browser_sign_in.", input: "target ref text! element submit slowly", destroys: true, do: (*call).typeText},
		{name: "browser_fill_form", title: "Fill a form", about: "Fill several fields at once. Fields for passwords and codes take none.", input: "fields!", destroys: true, do: (*call).fillForm},
		{name: "browser_select_option", title: "Choose an option", about: "Choose options of a select element, by value or label.", input: "target ref values! element", destroys: true, do: (*call).choose},
		{name: "browser_press_key", title: "Press a key", about: "Press a key: Enter, Tab, ArrowDown, F5, a, Control+a.", input: "key!", destroys: true, do: (*call).pressKey},
		{name: "browser_hover", title: "Hover", about: "Put the mouse over an element.", input: "target ref element", do: (*call).hover},
		{name: "browser_drag", title: "Drag", about: "Drag one element onto another.", input: "startTarget endTarget startRef endRef startElement endElement", destroys: true, do: (*call).drag},
		{name: "browser_take_screenshot", title: "Take a picture", about: "A picture of what is to be seen, of an element, or of the full page. Fields for secrets are painted over.", input: "type target ref element fullPage filename", reads: true, do: (*call).shoot},
		{name: "browser_wait_for", title: "Wait", about: "Wait for a text to be there, to be gone, or for some seconds.", input: "time text textGone", reads: true, limit: waitLimit, do: (*call).wait},
		{name: "browser_tabs", title: "Tabs", about: "List, open, close or select tabs.", input: "action! index url", do: (*call).tabs},
		{name: "browser_file_upload", title: "Upload files", about: "Give files to the page: files of the job, or downloads by their names. To the field of target, else to what the page has just asked by, else to the only field there is. Without paths, it is cancelled.", input: "paths target ref", destroys: true, do: (*call).upload},
		{name: "browser_handle_dialog", title: "Answer a dialog", about: "Accept or dismiss the dialog that is open.", input: "accept! promptText", do: (*call).answerDialog},
		{name: "browser_console_messages", title: "Console", about: "What the page wrote to its console.", input: "level all filename", reads: true, do: (*call).console},
		{name: "browser_network_requests", title: "Network", about: "What the page asked of the network: method, address, status; no headers, no bodies, and of queries the names alone.", input: "static includeStatic filter filename", reads: true, do: (*call).network},
		{name: "browser_resize", title: "Resize", about: "Set the size of the page.", input: "width! height!", do: (*call).resize},
		{name: "browser_close", title: "Close the page", about: "Close the current tab.", do: (*call).closePage},
		{name: "browser_evaluate", title: "Run a script", about: "Run a function in the page and get what it returns, as JSON.", input: "function! target ref element filename", destroys: true, evaluates: true, do: (*call).evaluate},
		{name: "browser_sign_in", title: "Sign in", about: "Sign in to the site of the current page (or of url) with a login that is attached to the job. User name, password and one-time code are put in for you and never shown; never type them yourself, and never ask anybody for them. " +
			"Says what happened. Where no login is attached, a person is asked for one, and the call waits.", input: "url username why wait again", limit: signLimit, do: (*call).signIn},
	}
}

func (c *call) tab() (*tab, error) { return c.driver.page() }

// element is what a ref of the last snapshot names.
func (c *call) element(id string) (ref, error) {
	d := c.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.refs[id]
	if id == "" {
		return r, fmt.Errorf("say which element, with target: its ref in the last snapshot, as e5")
	}
	if !known || r.tab != d.current {
		return r, fmt.Errorf("there is no element %q in the last snapshot: take a new one with browser_snapshot", id)
	}
	return r, nil
}
