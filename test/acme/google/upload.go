package google

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// uploadFile takes content in the ways that there are: alone, with what describes
// it, or in a session of its own.
func (t *Twin) uploadFile(c *call) (any, *Fault) {
	id := c.r.PathValue("id")
	if id != "" {
		if _, fault := t.writable(c, id); fault != nil {
			return nil, fault
		}
	}
	switch c.query.Get("uploadType") {
	case "media":
		return t.keep(c, id, File{Name: "Untitled", Type: c.r.Header.Get("Content-Type"), Content: c.body, made: true})
	case "multipart":
		described, kind, content, ok := related(c)
		if !ok {
			return nil, unfit("badContent", "Bad content. The body is multipart/related with two parts.")
		}
		f, fault := t.described(c, described)
		if fault != nil {
			return nil, fault
		}
		if f.Type == "" {
			f.Type = kind
		}
		f.Content = content
		return t.keep(c, id, f)
	case "resumable":
		f, fault := t.described(c, c.body)
		if fault != nil {
			return nil, fault
		}
		if kind := c.r.Header.Get("X-Upload-Content-Type"); f.Type == "" {
			f.Type = kind
		}
		session := fmt.Sprintf("ABg5-U%08d", len(t.uploads)+1)
		t.uploads[session] = &upload{id, f, c.who}
		to := url.URL{Scheme: "https", Host: c.r.Host, Path: "/upload/drive/v3/files"}
		q := c.query
		q.Set("upload_id", session)
		to.RawQuery = q.Encode()
		c.w.Header().Set("Location", to.String())
		c.w.Header().Set("X-Guploader-Uploadid", session)
		return &blob{"text/plain; charset=utf-8", nil}, nil
	}
	return nil, unfit("badRequest", "Uploads must be sent to the upload URL with an upload type.")
}

// related reads a multipart/related body: what describes a file, and its content.
func related(c *call) (described []byte, kind string, content []byte, ok bool) {
	family, parameters, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || family != "multipart/related" {
		return nil, "", nil, false
	}
	r := multipart.NewReader(bytes.NewReader(c.body), parameters["boundary"])
	first, err := r.NextPart()
	if err != nil || !strings.HasPrefix(first.Header.Get("Content-Type"), "application/json") {
		return nil, "", nil, false
	}
	if described, err = io.ReadAll(first); err != nil {
		return nil, "", nil, false
	}
	second, err := r.NextRawPart()
	if err != nil {
		return nil, "", nil, false
	}
	content, err = io.ReadAll(second)
	return described, second.Header.Get("Content-Type"), content, err == nil
}

// finishUpload takes the content of an upload that has begun. Only now is there a file.
func (t *Twin) finishUpload(c *call) (any, *Fault) {
	session := c.query.Get("upload_id")
	u := t.uploads[session]
	if u == nil || u.who.ID != c.who.ID {
		return nil, &Fault{Code: http.StatusNotFound, Reason: "notFound", Message: "Not Found"}
	}
	if len(t.broken) > 0 {
		f := t.broken[0]
		t.broken = t.broken[1:]
		return nil, &f
	}
	delete(t.uploads, session)
	if u.file.Type == "" {
		u.file.Type = c.r.Header.Get("Content-Type")
	}
	u.file.Content = c.body
	return t.keep(c, u.id, u.file)
}

func (t *Twin) keep(c *call, id string, f File) (any, *Fault) {
	if id == "" {
		return brief(c, t.store(c.who.Mail, f)), nil
	}
	old, fault := t.writable(c, id)
	if fault != nil {
		return nil, fault
	}
	old.Content = f.Content
	if f.Type != "" {
		old.Type = f.Type
	}
	return brief(c, old), nil
}
