package vaultclient

import (
	"context"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// CreateLogin makes a login.
func (c *Control) CreateLogin(ctx context.Context, r *vaultrpc.CreateLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.CreateLoginRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.CreateLogin, r)
}

// ChangeLogin changes what is given and leaves the rest.
func (c *Control) ChangeLogin(ctx context.Context, r *vaultrpc.ChangeLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	return rpc.Call[vaultrpc.ChangeLoginRequest, vaultrpc.CredentialAnswer](ctx, c.peer, vaultrpc.ChangeLogin, r)
}

// ImportLogins makes many logins, all or none.
func (c *Control) ImportLogins(ctx context.Context, r *vaultrpc.ImportLoginsRequest) (*vaultrpc.ImportLoginsAnswer, error) {
	return rpc.Call[vaultrpc.ImportLoginsRequest, vaultrpc.ImportLoginsAnswer](ctx, c.peer, vaultrpc.ImportLogins, r)
}

// LinkAsked makes the link by which a person answers a request for a login.
func (c *Control) LinkAsked(ctx context.Context, r *vaultrpc.LinkAskedRequest) (*vaultrpc.LinkAskedAnswer, error) {
	return rpc.Call[vaultrpc.LinkAskedRequest, vaultrpc.LinkAskedAnswer](ctx, c.peer, vaultrpc.LinkAsked, r)
}

// AskedLogin tells a browser that shows such a link's token what is asked for.
func (c *Control) AskedLogin(ctx context.Context, r *vaultrpc.AskedRequest) (*vaultrpc.AskedAnswer, error) {
	return rpc.Call[vaultrpc.AskedRequest, vaultrpc.AskedAnswer](ctx, c.peer, vaultrpc.AskedLogin, r)
}

// AnswerLogin answers by the link.
func (c *Control) AnswerLogin(ctx context.Context, r *vaultrpc.AnswerRequest) error {
	_, err := rpc.Call[vaultrpc.AnswerRequest, vaultrpc.Empty](ctx, c.peer, vaultrpc.AnswerLogin, r)
	return err
}

// Logins lists a job's logins of exactly one site.
func (w *Worker) Logins(ctx context.Context, r *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error) {
	return rpc.Call[vaultrpc.LoginsRequest, vaultrpc.LoginsAnswer](ctx, w.peer, vaultrpc.Logins, r)
}

// ArmLogin has the vault wait for the stand-ins of one sign-in.
func (w *Worker) ArmLogin(ctx context.Context, r *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error) {
	return rpc.Call[vaultrpc.ArmLoginRequest, vaultrpc.ArmLoginAnswer](ctx, w.peer, vaultrpc.ArmLogin, r)
}

// AwaitArm returns when what was armed was used, or is gone.
func (w *Worker) AwaitArm(ctx context.Context, r *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error) {
	return rpc.Call[vaultrpc.AwaitArmRequest, vaultrpc.AwaitArmAnswer](ctx, w.peer, vaultrpc.AwaitArm, r)
}

// FillLogin asks for values, sealed to the key of a browser's init.
func (w *Worker) FillLogin(ctx context.Context, r *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error) {
	return rpc.Call[vaultrpc.FillLoginRequest, vaultrpc.FillLoginAnswer](ctx, w.peer, vaultrpc.FillLogin, r)
}

// AskWay asks people whether a login may be sent by a step.
func (w *Worker) AskWay(ctx context.Context, r *vaultrpc.AskWayRequest) (*vaultrpc.AskLoginAnswer, error) {
	return rpc.Call[vaultrpc.AskWayRequest, vaultrpc.AskLoginAnswer](ctx, w.peer, vaultrpc.AskWay, r)
}

// AskLogin asks a person for a login.
func (w *Worker) AskLogin(ctx context.Context, r *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error) {
	return rpc.Call[vaultrpc.AskLoginRequest, vaultrpc.AskLoginAnswer](ctx, w.peer, vaultrpc.AskLogin, r)
}
