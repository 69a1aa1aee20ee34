package model

import (
	"encoding/json"
	"net/http"
)

// messages reads a request of Anthropic's Messages.
func messages(body []byte) (out talk, err error) {
	var in struct {
		Tools    []struct{ Name string }
		Messages []struct {
			Role    string
			Content json.RawMessage
		}
	}
	if err = json.Unmarshal(body, &in); err != nil {
		return out, err
	}
	for _, tool := range in.Tools {
		out.tools = append(out.tools, tool.Name)
	}
	for _, m := range in.Messages {
		var blocks []struct{ Type string }
		if json.Unmarshal(m.Content, &blocks) != nil {
			continue // a text
		}
		for _, b := range blocks {
			if b.Type == "tool_result" {
				out.answered++
			}
		}
	}
	return out, nil
}

// anthropic answers as Messages do.
func anthropic(w http.ResponseWriter, t turn) {
	send := stream(w)
	usage := object{"input_tokens": 10, "output_tokens": 5}
	send("message_start", object{"type": "message_start", "message": object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": []any{}, "stop_reason": nil, "stop_sequence": nil, "usage": usage,
	}})
	block, delta, reason := object{"type": "text", "text": ""}, object{"type": "text_delta", "text": t.words}, "end_turn"
	if t.name != "" {
		args, _ := json.Marshal(t.args)
		block, delta, reason = object{"type": "tool_use", "id": "toolu_" + t.call, "name": t.name, "input": object{}}, object{"type": "input_json_delta", "partial_json": string(args)}, "tool_use"
	}
	send("content_block_start", object{"type": "content_block_start", "index": 0, "content_block": block})
	send("content_block_delta", object{"type": "content_block_delta", "index": 0, "delta": delta})
	send("content_block_stop", object{"type": "content_block_stop", "index": 0})
	send("message_delta", object{"type": "message_delta", "delta": object{"stop_reason": reason, "stop_sequence": nil}, "usage": usage})
	send("message_stop", object{"type": "message_stop"})
}

// responses reads a request of OpenAI's Responses. Tools of a server may stand in a
// namespace.
func responses(body []byte) (out talk, err error) {
	type tool struct {
		Type, Name string
		Tools      []struct{ Name string }
	}
	var in struct {
		Tools []tool
		Input json.RawMessage
	}
	if err = json.Unmarshal(body, &in); err != nil {
		return out, err
	}
	for _, t := range in.Tools {
		if t.Name != "" && len(t.Tools) == 0 {
			out.tools = append(out.tools, t.Name)
		}
		for _, inner := range t.Tools {
			out.tools = append(out.tools, t.Name+"\x00"+inner.Name)
		}
	}
	var items []struct{ Type string }
	if json.Unmarshal(in.Input, &items) == nil {
		for _, item := range items {
			if item.Type == "function_call_output" {
				out.answered++
			}
		}
	}
	return out, nil
}

// openai answers as Responses do.
func openai(w http.ResponseWriter, t turn) {
	send := stream(w)
	item := object{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []object{{"type": "output_text", "text": t.words, "annotations": []any{}}}}
	if t.name != "" {
		args, _ := json.Marshal(t.args)
		item = object{"type": "function_call", "id": "fc_" + t.call, "call_id": t.call, "name": t.name, "arguments": string(args), "status": "completed"}
		if space, name, within := cut(t.name); within {
			item["namespace"], item["name"] = space, name
		}
	}
	whole := object{"id": "resp_1", "object": "response", "status": "in_progress", "model": "scripted", "output": []any{}}
	send("response.created", object{"type": "response.created", "response": whole})
	send("response.output_item.added", object{"type": "response.output_item.added", "output_index": 0, "item": item})
	if t.name == "" {
		send("response.output_text.delta", object{"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": t.words})
	}
	send("response.output_item.done", object{"type": "response.output_item.done", "output_index": 0, "item": item})
	whole["status"], whole["output"] = "completed", []any{item}
	whole["usage"] = object{"input_tokens": 10, "input_tokens_details": object{"cached_tokens": 0}, "output_tokens": 5, "output_tokens_details": object{"reasoning_tokens": 0}, "total_tokens": 15}
	send("response.completed", object{"type": "response.completed", "response": whole})
}

// cut is a name within a namespace in its two parts.
func cut(name string) (space, rest string, within bool) {
	for i := range name {
		if name[i] == 0 {
			return name[:i], name[i+1:], true
		}
	}
	return "", name, false
}

// chat reads a request of Chat Completions.
func chat(body []byte) (out talk, err error) {
	var in struct {
		Tools    []struct{ Function struct{ Name string } }
		Messages []struct{ Role string }
	}
	if err = json.Unmarshal(body, &in); err != nil {
		return out, err
	}
	for _, tool := range in.Tools {
		out.tools = append(out.tools, tool.Function.Name)
	}
	for _, m := range in.Messages {
		if m.Role == "tool" {
			out.answered++
		}
	}
	return out, nil
}

// completions answers as Chat Completions do.
func completions(w http.ResponseWriter, t turn) {
	send := stream(w)
	chunk := func(delta object, reason any) {
		send("", object{"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": []object{{"index": 0, "delta": delta, "finish_reason": reason}}})
	}
	if t.name == "" {
		chunk(object{"role": "assistant", "content": t.words}, nil)
		chunk(object{}, "stop")
	} else {
		args, _ := json.Marshal(t.args)
		chunk(object{"role": "assistant", "tool_calls": []object{{"index": 0, "id": t.call, "type": "function", "function": object{"name": t.name, "arguments": string(args)}}}}, nil)
		chunk(object{}, "tool_calls")
	}
	send("", "[DONE]")
}

// contents reads a request of Gemini's.
func contents(body []byte) (out talk, err error) {
	var in struct {
		Tools []struct {
			FunctionDeclarations []struct{ Name string }
		}
		Contents []struct {
			Parts []struct{ FunctionResponse *struct{ Name string } }
		}
	}
	if err = json.Unmarshal(body, &in); err != nil {
		return out, err
	}
	for _, t := range in.Tools {
		for _, f := range t.FunctionDeclarations {
			out.tools = append(out.tools, f.Name)
		}
	}
	for _, c := range in.Contents {
		for _, p := range c.Parts {
			if p.FunctionResponse != nil {
				out.answered++
			}
		}
	}
	return out, nil
}

// gemini answers as streamGenerateContent does, or generateContent.
func gemini(streamed bool) func(http.ResponseWriter, turn) {
	return func(w http.ResponseWriter, t turn) {
		part := object{"text": t.words}
		if t.name != "" {
			part = object{"functionCall": object{"name": t.name, "args": t.args}}
		}
		whole := object{
			"candidates":    []object{{"content": object{"role": "model", "parts": []object{part}}, "finishReason": "STOP", "index": 0}},
			"usageMetadata": object{"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}, "modelVersion": "scripted",
		}
		if !streamed {
			answer(w, http.StatusOK, whole)
			return
		}
		stream(w)("", whole)
	}
}
