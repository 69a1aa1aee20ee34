package vault_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// procedures are all that somebody asks, by name: what is added later is among them.
func (s *scene) procedures() map[string]reflect.Value {
	out, by := map[string]reflect.Value{}, reflect.TypeFor[vaultrpc.By]()
	control := reflect.ValueOf(s.control)
	for i := range control.NumMethod() {
		method, kind := control.Type().Method(i), control.Method(i).Type()
		if kind.NumIn() != 2 || kind.In(1).Kind() != reflect.Pointer || kind.In(1).Elem().Kind() != reflect.Struct {
			continue
		}
		if f, has := kind.In(1).Elem().FieldByName("By"); has && f.Type == by {
			out[method.Name] = control.Method(i)
		}
	}
	return out
}

// call calls a procedure as somebody, with the ids of things wherever its message takes
// one, and returns the answer as JSON.
func (s *scene) call(procedure reflect.Value, p hotcell.Principal, of target) (string, error) {
	request := reflect.New(procedure.Type().In(1).Elem())
	fill(request.Elem(), of)
	request.Elem().FieldByName("By").Set(reflect.ValueOf(vaultrpc.As(p)))
	out := procedure.Call([]reflect.Value{reflect.ValueOf(s.t.Context()), request})
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	if len(out) == 1 || out[0].IsNil() {
		return "", err
	}
	text, failed := json.Marshal(out[0].Interface())
	must(s.t, failed)
	return string(text), err
}

// target is what is asked about.
type target struct {
	credential hotcell.CredentialID
	assignment hotcell.AssignmentID
	attachment hotcell.AttachmentID
	job        hotcell.JobID
}

// fill puts the target's ids wherever a message has a field of their type, and a word
// where it takes a name or says to go on.
func fill(v reflect.Value, of target) {
	switch v.Interface().(type) {
	case hotcell.CredentialID:
		v.SetString(string(of.credential))
		return
	case hotcell.AssignmentID:
		v.SetString(string(of.assignment))
		return
	case hotcell.AttachmentID:
		v.SetString(string(of.attachment))
		return
	case hotcell.JobID:
		v.SetString(string(of.job))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "By" {
				fill(v.Field(i), of)
			}
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), of)
			v.Elem().SetString("renamed")
		}
	case reflect.Bool:
		v.SetBool(true)
	}
}

// Whatever anybody asks about what is personal to somebody else, in whatever role: nothing
// of it is told, and nothing of it changes.
func TestNothingOfAnothersIsToldOrChanged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const name, variable = "bertas-acquisition", "BERTAS_VARIABLE"
	theirs := s.secret(s.b, name, variable, s.plant("b"))
	on := s.assignment(s.b, "bertas-report")
	attached, err := s.attach(s.b, on, theirs.ID)
	must(t, err)
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = s.control.CreateJob(t.Context(), &vaultrpc.CreateJobRequest{By: vaultrpc.As(s.b), Assignment: on, Job: job})
	must(t, err)
	roles := map[hotcell.Role]hotcell.Principal{hotcell.RoleOwner: s.me, hotcell.RoleMember: s.m}
	for _, role := range []hotcell.Role{hotcell.RoleAdministrator, hotcell.RoleManager, hotcell.RoleBuilder} {
		roles[role] = s.member(hotcell.MemberID("mem_"+string(role)), string(role), role)
	}
	targets := map[string]target{
		"the credential": {credential: theirs.ID},
		"all of it":      {credential: theirs.ID, assignment: on, attachment: attached, job: job},
		"unknown ones":   {credential: "sec_01h455vb4pex5vsknk084sn02q", assignment: "asg_01h455vb4pex5vsknk084sn02q", attachment: "att_01h455vb4pex5vsknk084sn02q", job: "job_01h455vb4pex5vsknk084sn02q"},
	}
	// What is about the assignment, which managers change and delete, is not the credential's.
	others := map[string]bool{"DeleteAssignment": true, "Detach": true, "ChangeAssignment": true, "CancelJob": true, "ChangeAttachment": true}
	cells := 0
	for role, p := range roles {
		for procedure, call := range s.procedures() {
			if others[procedure] || procedure == "RemoveMember" || procedure == "SetPassword" {
				continue
			}
			told := map[string]string{}
			for what, of := range targets {
				text, err := s.call(call, p, of)
				cells++
				if err != nil {
					text += err.Error()
				}
				told[what] = text
				// Who sees the workspace's whole log sees there what others' are called.
				log := procedure == "Events" && (role == hotcell.RoleOwner || role == hotcell.RoleAdministrator)
				if !log && strings.Contains(text, name) || strings.Contains(text, variable) {
					t.Errorf("%s as %s, of %s, tells of it: %.200s", procedure, role, what, text)
				}
				if errors.Is(err, hotcell.ErrTampered) {
					t.Errorf("%s as %s: %v", procedure, role, err)
				}
			}
			if kind := call.Type().In(1).Elem(); hasOnly(kind) && told["the credential"] != told["unknown ones"] {
				t.Errorf("%s as %s tells another's from an unknown one: %q, %q", procedure, role, told["the credential"], told["unknown ones"])
			}
		}
	}
	after, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.b), ID: theirs.ID})
	must(t, err)
	if after.Credential.Revision != theirs.Revision || after.Credential.Shared || after.Credential.Name != name || len(after.Attachments) != 1 {
		t.Errorf("it is %+v", after)
	}
	if cells < 800 {
		t.Errorf("%d cells", cells)
	}
	t.Logf("%d cells", cells)
}

// hasOnly says whether a message names a credential and nothing else that there is.
func hasOnly(kind reflect.Type) bool {
	credential := false
	for f := range kind.Fields() {
		switch f.Type {
		case reflect.TypeFor[hotcell.CredentialID]():
			credential = true
		case reflect.TypeFor[hotcell.AssignmentID](), reflect.TypeFor[hotcell.AttachmentID](), reflect.TypeFor[hotcell.JobID](), reflect.TypeFor[hotcell.LinkID](), reflect.TypeFor[hotcell.RequestID]():
			return false
		}
	}
	return credential
}
