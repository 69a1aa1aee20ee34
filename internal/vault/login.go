package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/login"
)

// loginsOfPeople serves what people ask of logins.
func (d *Daemon) loginsOfPeople(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.CreateLogin, hotcell.ScopeWriteCredentials, d.logins.Create)
	handle(d, mux, vaultrpc.ChangeLogin, hotcell.ScopeWriteCredentials, func(ctx context.Context, r *vaultrpc.ChangeLoginRequest) (*vaultrpc.CredentialAnswer, error) {
		c, err := d.logins.Change(ctx, r)
		return &vaultrpc.CredentialAnswer{Credential: c}, err
	})
	handle(d, mux, vaultrpc.ImportLogins, hotcell.ScopeWriteCredentials, d.logins.Import)
	handle(d, mux, vaultrpc.LinkAsked, hotcell.ScopeDecide, d.logins.Link)
	handleOpen(d, mux, vaultrpc.AskedLogin, d.logins.Asked)
	handleOpen(d, mux, vaultrpc.AnswerLogin, func(ctx context.Context, r *vaultrpc.AnswerRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.logins.Answer(ctx, r)
	})
}

// loginsOfJobs serves what the browsers of jobs ask of logins.
func (d *Daemon) loginsOfJobs(mux *http.ServeMux) {
	rpc.Handle(mux, vaultrpc.Logins, func(ctx context.Context, r *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error) {
		out, err := d.logins.Logins(ctx, r.Job, &r.LoginsRequest)
		return out, d.note(vaultrpc.Logins, err)
	})
	rpc.Handle(mux, vaultrpc.ArmLogin, func(ctx context.Context, r *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error) {
		out, err := d.logins.Arm(ctx, r.Job, &r.ArmRequest)
		return out, d.note(vaultrpc.ArmLogin, err)
	})
	rpc.Handle(mux, vaultrpc.AwaitArm, func(ctx context.Context, r *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error) {
		out, err := d.logins.Await(ctx, r.Job, &r.AwaitArmRequest)
		return out, d.note(vaultrpc.AwaitArm, err)
	})
	rpc.Handle(mux, vaultrpc.FillLogin, func(ctx context.Context, r *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error) {
		message, err := d.logins.Fill(ctx, r.Job, &r.FillRequest)
		return &vaultrpc.FillLoginAnswer{Message: message}, d.note(vaultrpc.FillLogin, err)
	})
	rpc.Handle(mux, vaultrpc.AskLogin, func(ctx context.Context, r *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error) {
		q, err := d.vault.AskLogin(ctx, r.Job, login.At(r.Origin), r.Why)
		return &vaultrpc.AskLoginAnswer{Request: q}, d.note(vaultrpc.AskLogin, err)
	})
	rpc.Handle(mux, vaultrpc.AskWay, func(ctx context.Context, r *vaultrpc.AskWayRequest) (*vaultrpc.AskLoginAnswer, error) {
		q, err := d.logins.AskWay(ctx, r)
		return &vaultrpc.AskLoginAnswer{Request: q}, d.note(vaultrpc.AskWay, err)
	})
}
