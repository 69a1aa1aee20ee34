package google

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"hotcell/test/acme/account"
)

const (
	driveAll  = scope + "drive"
	driveFile = scope + "drive.file"
	driveRead = scope + "drive.readonly"
	folder    = "application/vnd.google-apps.folder"
	native    = "application/vnd.google-apps."
)

// File is one in somebody's Drive.
type File struct {
	ID, Name, Type string
	Content        []byte
	Parents        []string
	// Exports are what one of Google's own documents is in other forms.
	Exports map[string][]byte
	// Drive is the shared drive that it lies in; empty is its owner's own.
	Drive   string
	Trashed bool
	Shared  []Permission
	owner   string
	// made is true for what the app made itself: all that the scope drive.file shows.
	made bool
}

// Permission is what somebody may do with a file.
type Permission struct {
	Type, Role, Mail string
	Notified         bool
}

// upload is one that has begun.
type upload struct {
	id   string // of the file that is changed; empty for a new one
	file File
	who  account.Account
}

// drive registers the API of files, version 3.
func (t *Twin) drive(a api) {
	lists := []string{driveAll, driveFile, driveRead, scope + "drive.metadata", scope + "drive.metadata.readonly"}
	a.on("GET /drive/v3/files", t.listFiles, lists...)
	a.on("GET /drive/v3/files/{id}", t.getFile, lists...)
	a.on("GET /drive/v3/files/{id}/export", t.exportFile, driveAll, driveFile, driveRead)
	a.on("POST /drive/v3/files", t.makeFile, driveAll, driveFile)
	a.on("PATCH /drive/v3/files/{id}", t.changeFile, driveAll, driveFile)
	a.on("POST /drive/v3/files/{id}/permissions", t.shareFile, driveAll, driveFile)
	a.on("POST /upload/drive/v3/files", t.uploadFile, driveAll, driveFile)
	a.on("PATCH /upload/drive/v3/files/{id}", t.uploadFile, driveAll, driveFile)
	a.on("PUT /upload/drive/v3/files", t.finishUpload, driveAll, driveFile)
}

// Store puts a file into somebody's Drive, and returns its id.
func (t *Twin) Store(owner string, f File) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.store(owner, f).ID
}

func (t *Twin) store(owner string, f File) *File {
	f.ID, f.owner = fmt.Sprintf("1AcmeFile%010d", len(t.files)+1), owner
	if len(f.Parents) == 0 {
		f.Parents = []string{"0ARoot" + strings.ToUpper(strings.ReplaceAll(owner, "@", ""))}
	}
	t.files = append(t.files, &f)
	return &f
}

// Files are those in somebody's Drive.
func (t *Twin) Files(owner string) (out []File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.files {
		if f.owner == owner {
			out = append(out, *f)
		}
	}
	return out
}

func noFile(id string) *Fault {
	return &Fault{Code: 404, Reason: "notFound", Message: "File not found: " + id + "."}
}

func unfit(reason, message string) *Fault {
	return &Fault{Code: 400, Reason: reason, Message: message}
}

// sees says whether a call's scopes and words let it see a file at all.
func (c *call) sees(f *File) bool {
	wide := slices.ContainsFunc([]string{driveAll, driveRead, scope + "drive.metadata", scope + "drive.metadata.readonly"}, c.has)
	return f.owner == c.who.Mail && (wide || f.made) && (f.Drive == "" || c.query.Get("supportsAllDrives") == "true")
}

func (t *Twin) file(c *call, id string) (*File, *Fault) {
	for _, f := range t.files {
		if f.ID == id && c.sees(f) {
			return f, nil
		}
	}
	return nil, noFile(id)
}

// writable is a file that a call may change.
func (t *Twin) writable(c *call, id string) (*File, *Fault) {
	f, fault := t.file(c, id)
	if fault == nil && !c.has(driveAll) && !f.made {
		return nil, &Fault{Code: 403, Reason: "appNotAuthorizedToFile", Message: "The user has not granted the app write access to the file " + id + "."}
	}
	return f, fault
}

func (f *File) shown() map[string]any {
	out := map[string]any{
		"kind": "drive#file", "id": f.ID, "name": f.Name, "mimeType": f.Type, "parents": f.Parents, "trashed": f.Trashed,
		"modifiedTime": "2026-01-02T03:04:05.000Z", "webViewLink": "https://drive.google.com/file/d/" + f.ID + "/view",
	}
	if f.Drive != "" {
		out["driveId"] = f.Drive
	}
	if !strings.HasPrefix(f.Type, native) {
		out["size"] = fmt.Sprint(len(f.Content))
	}
	return out
}

// brief is a file as an answer has it that was asked for no fields.
func brief(c *call, f *File) map[string]any {
	out := f.shown()
	if c.query.Get("fields") != "" {
		return out
	}
	return map[string]any{"kind": out["kind"], "id": f.ID, "name": f.Name, "mimeType": f.Type}
}

func (t *Twin) listFiles(c *call) (any, *Fault) {
	size, f := c.number("pageSize", 100, 1000)
	if f != nil {
		return nil, f
	}
	matches, ok := readQuery(c.query.Get("q"))
	if !ok {
		return nil, unfit("invalid", "Invalid Value")
	}
	shared := c.query.Get("includeItemsFromAllDrives") == "true"
	if shared && c.query.Get("supportsAllDrives") != "true" {
		return nil, unfit("teamDriveInclusionRequired", "The includeItemsFromAllDrives parameter needs supportsAllDrives.")
	}
	list := []any{}
	for _, f := range slices.Backward(t.files) {
		if c.sees(f) && matches(f) && (f.Drive == "" || shared) {
			list = append(list, brief(c, f))
		}
	}
	part, next, fault := page(c, list, size)
	if fault != nil {
		return nil, fault
	}
	out := map[string]any{"kind": "drive#fileList", "incompleteSearch": false, "files": part}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (t *Twin) getFile(c *call) (any, *Fault) {
	f, fault := t.file(c, c.r.PathValue("id"))
	if fault != nil {
		return nil, fault
	}
	switch c.query.Get("alt") {
	case "", "json":
		return brief(c, f), nil
	case "media":
	default:
		return nil, unfit("invalidParameter", "Invalid value for alt.")
	}
	if !c.has(driveAll) && !c.has(driveRead) && !f.made {
		return nil, &Fault{Code: 403, Reason: "appNotAuthorizedToFile", Message: "The user has not granted the app read access to the file " + f.ID + "."}
	}
	if strings.HasPrefix(f.Type, native) {
		return nil, &Fault{Code: 403, Reason: "fileNotDownloadable", Message: "Only files with binary content can be downloaded. Use Export with Docs Editors files."}
	}
	return &blob{f.Type, f.Content}, nil
}

func (t *Twin) exportFile(c *call) (any, *Fault) {
	f, fault := t.file(c, c.r.PathValue("id"))
	if fault != nil {
		return nil, fault
	}
	kind := c.query.Get("mimeType")
	content, there := f.Exports[kind]
	switch {
	case kind == "":
		return nil, unfit("required", "Required parameter: mimeType")
	case !strings.HasPrefix(f.Type, native):
		return nil, &Fault{Code: 403, Reason: "fileNotExportable", Message: "Export only supports Docs Editors files."}
	case !there:
		return nil, unfit("badRequest", "The requested conversion is not supported.")
	case len(content) > 10<<20:
		return nil, &Fault{Code: 403, Reason: "exportSizeLimitExceeded", Message: "This file is too large to be exported."}
	}
	return &blob{kind, content}, nil
}

// described is a file as a call describes it. Only one parent is taken.
func (t *Twin) described(c *call, text []byte) (f File, fault *Fault) {
	var in struct {
		Name    string   `json:"name"`
		Type    string   `json:"mimeType"`
		Parents []string `json:"parents"`
	}
	if len(text) > 0 && json.Unmarshal(text, &in) != nil {
		return f, &Fault{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	if len(in.Parents) > 1 {
		return f, &Fault{Code: 403, Reason: "multiparentingNotSupported", Message: "A file cannot be in more than one folder."}
	}
	for _, id := range in.Parents {
		if id == "root" {
			in.Parents = nil
			break
		}
		within, fault := t.writable(c, id)
		if fault != nil {
			return f, fault
		}
		if within.Type != folder {
			return f, &Fault{Code: 403, Reason: "parentNotAFolder", Message: "The specified parent is not a folder."}
		}
		f.Drive = within.Drive
	}
	f.Name, f.Type, f.Parents, f.made = in.Name, in.Type, in.Parents, true
	if f.Name == "" {
		f.Name = "Untitled"
	}
	return f, nil
}

func (t *Twin) makeFile(c *call) (any, *Fault) {
	f, fault := t.described(c, c.body)
	if fault != nil {
		return nil, fault
	}
	if f.Type == "" {
		f.Type = "application/octet-stream"
	}
	return brief(c, t.store(c.who.Mail, f)), nil
}

func (t *Twin) changeFile(c *call) (any, *Fault) {
	f, fault := t.writable(c, c.r.PathValue("id"))
	if fault != nil {
		return nil, fault
	}
	var in struct {
		Name    *string `json:"name"`
		Trashed *bool   `json:"trashed"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, &Fault{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	if in.Name != nil {
		f.Name = *in.Name
	}
	if in.Trashed != nil {
		f.Trashed = *in.Trashed
	}
	return brief(c, f), nil
}

func (t *Twin) shareFile(c *call) (any, *Fault) {
	f, fault := t.writable(c, c.r.PathValue("id"))
	if fault != nil {
		return nil, fault
	}
	var in struct {
		Type string `json:"type"`
		Role string `json:"role"`
		Mail string `json:"emailAddress"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, &Fault{Code: 400, Reason: "parseError", Message: "Parse Error"}
	}
	if !slices.Contains([]string{"reader", "commenter", "writer", "owner"}, in.Role) || !slices.Contains([]string{"user", "group", "domain", "anyone"}, in.Type) {
		return nil, unfit("invalid", "The specified role or type is invalid or not supported.")
	}
	if list, err := addresses(in.Mail); in.Type == "user" && (err != nil || len(list) != 1) {
		return nil, unfit("invalidSharingRequest", "The specified emailAddress is invalid or not applicable for the given permission type.")
	}
	p := Permission{in.Type, in.Role, in.Mail, c.query.Get("sendNotificationEmail") != "false"}
	f.Shared = append(f.Shared, p)
	return map[string]any{"kind": "drive#permission", "id": fmt.Sprintf("%020d", len(f.Shared)), "type": p.Type, "role": p.Role}, nil
}
