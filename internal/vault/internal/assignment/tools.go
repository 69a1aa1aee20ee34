package assignment

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"hotcell"
	"hotcell/internal/policy/rule"
)

// The bounds of what narrows tools.
const (
	maxTools = 200
	maxRules = 100
	maxWhen  = 4096
)

// allTools in the list of those that wait for a person is every tool.
const allTools = "*"

// toolName is what connectors and MCP servers call their tools.
var toolName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,128}$`)

// checkTools holds the tools of a narrowing, the rules for their arguments and
// what waits for a person against each other. Which tools there are, the tier
// says.
func checkTools(n hotcell.Narrowing) error {
	if err := checkList("/tools", n.Tools, maxTools, func(name string) string {
		if !toolName.MatchString(name) {
			return "a tool is named by letters, digits and _ . / -"
		}
		return ""
	}); err != nil {
		return err
	}
	listed := func(name string) string {
		if !slices.Contains(n.Tools, name) {
			return "this is none of the tools that are attached"
		}
		return ""
	}
	if err := checkList("/approve", n.Approve, maxTools, func(name string) string {
		if name == allTools {
			return ""
		}
		return listed(name)
	}); err != nil {
		return err
	}
	if err := checkList("/unasked", n.Unasked, maxTools, func(name string) string {
		if slices.Contains(n.Approve, name) || slices.Contains(n.Approve, allTools) {
			return "a call either waits for a person or goes without"
		}
		return listed(name)
	}); err != nil {
		return err
	}
	return checkRules(n)
}

// checkRules compiles the rules: one that could not be decided is not saved.
func checkRules(n hotcell.Narrowing) error {
	if len(n.Rules) > maxRules {
		return hotcell.Invalid("/rules", "at most %d", maxRules)
	}
	for i, r := range n.Rules {
		at := fmt.Sprintf("/rules/%d", i)
		if r.Tool != "" && !slices.Contains(n.Tools, r.Tool) {
			return hotcell.Invalid(at+"/tool", "this is none of the tools that are attached")
		}
		if r.When == "" || len(r.When) > maxWhen {
			return hotcell.Invalid(at+"/when", "a rule is an expression in CEL with at most %d bytes, such as args.channel == \"#ops\"", maxWhen)
		}
		program, err := rule.Calls().Compile(r.When)
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
			return hotcell.Invalid(at+"/when", "%s", field.Reason)
		}
		if err != nil {
			return err
		}
		if !program.Boolean() {
			return hotcell.Invalid(at+"/when", "a rule is true or false: compare something")
		}
	}
	return nil
}

// belongs refuses what narrows tools on an attachment that has none.
func belongs(at hotcell.Attachment) error {
	if (at.Fill || at.Evaluate) && at.As != hotcell.InjectLogin {
		return hotcell.Invalid("/fill", "this is for logins: attach one as %q", hotcell.InjectLogin)
	}
	if at.Fill && at.Evaluate {
		return hotcell.Invalid("/evaluate", "%s", hotcell.FillOrEvaluate)
	}
	if at.As == hotcell.InjectTools {
		return nil
	}
	for _, part := range []struct {
		pointer string
		given   bool
	}{{"/tools", len(at.Tools) > 0}, {"/rules", len(at.Rules) > 0}, {"/approve", len(at.Approve) > 0}, {"/unasked", len(at.Unasked) > 0}} {
		if part.given {
			return hotcell.Invalid(part.pointer, "this narrows tools: attach a connection as %q", hotcell.InjectTools)
		}
	}
	return nil
}
