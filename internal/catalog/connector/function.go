package connector

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"hotcell/internal/policy/rule"
)

// environment is what a document's expressions may speak of.
var environment = sync.OnceValue(func() *rule.Env {
	dyn := cel.MapType(cel.StringType, cel.DynType)
	e, err := rule.New(
		cel.Variable("args", dyn), cel.Variable("settings", dyn), cel.Variable("account", dyn), cel.Variable("steps", dyn),
		cel.Variable("answer", cel.DynType), cel.Variable("status", cel.IntType), cel.Variable("headers", dyn), cel.Variable("items", cel.ListType(cel.DynType)),
		cel.Variable("more", cel.BoolType), cel.Variable("cursor", cel.StringType), cel.Variable("call", cel.MapType(cel.StringType, cel.StringType)), cel.Variable("clock", cel.StringType),
		function("base64url", base64urlOf), function("unbase64url", unbase64url), function("json", readJSON), function("tojson", writeJSON),
		cel.Variable(variable, cel.DynType), reads("mail", 1, writeMail), reads("mailtext", 1, readMail), reads("others", 2, othersOf),
		function("bytes64", unbase64url), function("istext", isText),
		function2("header", headerOf), function2("pick", pick),
		cel.Macros(cel.GlobalMacro("now", 0, func(mef cel.MacroExprFactory, _ ast.Expr, _ []ast.Expr) (ast.Expr, *cel.Error) {
			return mef.NewIdent("clock"), nil
		})),
	)
	if err != nil {
		return &rule.Env{} // compiles nothing, as the test of the documents would show
	}
	return e
})

// function declares a function of one value on Go's plain values.
func function(name string, fn func(any) (any, error)) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType}, cel.DynType, cel.UnaryBinding(func(v ref.Val) ref.Val {
		in, err := rule.Native(v)
		if err != nil {
			return types.NewErr("%s", name)
		}
		out, err := fn(in)
		if err != nil {
			return types.NewErr("%s", name)
		}
		return types.DefaultTypeAdapter.NativeToValue(out)
	})))
}

func function2(name string, fn func(a, b any) (any, error)) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
		one, err := rule.Native(a)
		if err != nil {
			return types.NewErr("%s", name)
		}
		other, err := rule.Native(b)
		if err != nil {
			return types.NewErr("%s", name)
		}
		out, err := fn(one, other)
		if err != nil {
			return types.NewErr("%s", name)
		}
		return types.DefaultTypeAdapter.NativeToValue(out)
	})))
}

func raw(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return nil, errAbsent
}

// base64urlOf writes RFC 4648 section 5, without padding.
func base64urlOf(v any) (any, error) {
	b, err := raw(v)
	return base64.RawURLEncoding.EncodeToString(b), err
}

// unbase64url reads both alphabets, with and without padding.
func unbase64url(v any) (any, error) {
	b, err := raw(v)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(strings.NewReplacer("+", "-", "/", "_", "\n", "", "\r", "").Replace(string(b)), "=")
	return base64.RawURLEncoding.DecodeString(text)
}

// isText says whether bytes are a text in UTF-8.
func isText(v any) (any, error) {
	b, err := raw(v)
	return utf8.Valid(b) && !bytes.Contains(b, []byte{0}), err
}

func readJSON(v any) (any, error) {
	b, err := raw(v)
	if err != nil {
		return nil, err
	}
	return decode(b)
}

func writeJSON(v any) (any, error) {
	out, err := json.Marshal(v)
	return string(out), err
}

// headerOf is the value of the first of a list of {name, value} with a name.
func headerOf(list, name any) (any, error) {
	wanted, _ := name.(string)
	entries, _ := list.([]any)
	for _, one := range entries {
		if m, ok := one.(map[string]any); ok {
			if n, _ := m["name"].(string); strings.EqualFold(n, wanted) {
				v, _ := m["value"].(string)
				return v, nil
			}
		}
	}
	return "", nil
}

// pick is a map with those of the keys that it has.
func pick(from, keys any) (any, error) {
	out := map[string]any{}
	m, _ := from.(map[string]any)
	list, _ := keys.([]any)
	for _, key := range list {
		name, _ := key.(string)
		if v, there := m[name]; there && v != nil {
			out[name] = v
		}
	}
	return out, nil
}

func clock(now time.Time) string { return now.UTC().Format(time.RFC3339) }
