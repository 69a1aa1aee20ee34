package connector

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/textproto"
	"net/url"

	"hotcell"
)

func (r *request) setBody(ctx context.Context, out *Request, vars map[string]any) error {
	switch {
	case r.json != nil:
		v, err := r.json.eval(ctx, vars)
		if err != nil || v == nil && r.json.leaf != nil {
			return err // an absent body is none
		}
		out.typed(acceptJSON)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err = e.Encode(v)
		out.Body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
		return err
	case r.form != nil:
		values := url.Values{}
		for _, f := range r.form {
			v, err := f.tree.eval(ctx, vars)
			if err != nil {
				return err
			}
			if err := put(values, f.name, v); err != nil {
				return err
			}
		}
		out.typed("application/x-www-form-urlencoded")
		out.Body = []byte(values.Encode())
	case r.multipart != nil:
		return r.setMultipart(ctx, out, vars)
	case r.body != nil:
		return r.setRaw(ctx, out, vars)
	}
	return nil
}

// typed says what the body is, where the document does not say another name of it.
func (r *Request) typed(kind string) {
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", kind)
	}
}

func (r *request) setRaw(ctx context.Context, out *Request, vars map[string]any) error {
	from := r.body.text
	if from == nil {
		from = r.body.base64
	}
	if v, err := from.value(ctx, vars); err == nil && v == nil {
		return nil // an absent body is none
	}
	kind, err := r.body.kind.string(ctx, vars, headerText)
	if err != nil {
		return err
	}
	out.Header.Set("Content-Type", kind)
	if r.body.text != nil {
		s, err := r.body.text.string(ctx, vars, same)
		out.Body = []byte(s)
		return err
	}
	out.Body, err = bytesOf(ctx, r.body.base64, vars)
	return err
}

// bytesOf is a value that is bytes, or base64 of them.
func bytesOf(ctx context.Context, t *text, vars map[string]any) ([]byte, error) {
	v, err := t.value(ctx, vars)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return nil, hotcell.Invalid("/arguments", "the content of a file is base64 (RFC 4648 section 4)")
		}
		return b, nil
	}
	return nil, errValue
}

func (r *request) setMultipart(ctx context.Context, out *Request, vars map[string]any) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := range r.multipart {
		if err := r.multipart[i].write(ctx, w, vars); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	out.Header.Set("Content-Type", w.FormDataContentType())
	out.Body = b.Bytes()
	return nil
}

// write writes a part; one whose value is null or absent is left out.
func (p *filePart) write(ctx context.Context, w *multipart.Writer, vars map[string]any) error {
	name, err := p.name.string(ctx, vars, partName)
	if err != nil {
		return err
	}
	from := p.value
	if p.base64 != nil {
		from = p.base64
	}
	if v, err := from.value(ctx, vars); err != nil || v == nil {
		return err
	}
	if p.base64 == nil {
		value, err := p.value.string(ctx, vars, same)
		if err != nil {
			return err
		}
		return w.WriteField(name, value)
	}
	content, err := bytesOf(ctx, p.base64, vars)
	if err != nil {
		return err
	}
	filename, err := p.filename.string(ctx, vars, partName)
	if err != nil {
		return err
	}
	kind, err := p.kind.string(ctx, vars, headerText)
	if err != nil {
		return err
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", `form-data; name="`+name+`"; filename="`+filename+`"`)
	h.Set("Content-Type", kind)
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	return err
}
