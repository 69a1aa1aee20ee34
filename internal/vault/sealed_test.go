package vault_test

import (
	"bytes"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

func (s *scene) create(name string, variables ...vaultrpc.SealedVariable) error {
	s.t.Helper()
	_, err := s.control.CreateSecret(s.t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(s.me), Name: name, Variables: variables})
	return err
}

func TestAMessageIsGoodForOnePlaceOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	good := parcel.Context{Workspace: string(s.me.Workspace), Tier: "secret", Item: "billing", Field: "A"}
	elsewhere := map[string]parcel.Context{
		"another workspace": {Workspace: "wsp_other", Tier: good.Tier, Item: good.Item, Field: good.Field},
		"another tier":      {Workspace: good.Workspace, Tier: "login", Item: good.Item, Field: good.Field},
		"another secret":    {Workspace: good.Workspace, Tier: good.Tier, Item: "other", Field: good.Field},
		"another variable":  {Workspace: good.Workspace, Tier: good.Tier, Item: good.Item, Field: "B"},
		"a shifted border":  {Workspace: good.Workspace, Tier: good.Tier, Item: "billin", Field: "gA"},
	}
	for what, in := range elsewhere {
		message, err := parcel.Seal(s.key, in, []byte(s.plant("elsewhere")))
		must(t, err)
		refused(t, what, s.create("billing", vaultrpc.SealedVariable{Name: "A", Message: message}), hotcell.ErrInvalid, "was not sealed to the vault's key")
	}
	stranger, err := parcel.Generate()
	must(t, err)
	message, err := parcel.Seal(stranger.Public(), good, []byte(s.plant("stranger")))
	must(t, err)
	refused(t, "another key", s.create("billing", vaultrpc.SealedVariable{Name: "A", Message: message}), hotcell.ErrInvalid, "was not sealed to the vault's key")
	for _, bad := range [][]byte{nil, {}, make([]byte, 31), make([]byte, 48), bytes.Repeat([]byte{255}, 100)} {
		refused(t, "no message", s.create("billing", vaultrpc.SealedVariable{Name: "A", Message: bad}), hotcell.ErrInvalid, "was not sealed to the vault's key")
	}
}

func TestAMessageIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	sealed := s.sealed("billing", "A", s.plant("a"))
	must(t, s.create("billing", sealed...))
	list, err := s.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	must(t, err)
	id := list.Credentials[0].ID
	must(t, s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: id}))
	refused(t, "a create again", s.create("billing", sealed...), hotcell.ErrConflict, "was sent before")

	secret := s.secret(s.me, "other", "A", s.plant("old"))
	change := &vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: secret.ID, Set: s.sealed(string(secret.ID), "A", s.plant("new"))}
	_, err = s.change(change)
	must(t, err)
	_, err = s.set(s.me, secret.ID, 0, "A", s.plant("newest"))
	must(t, err)
	_, err = s.change(change)
	refused(t, "a rotation put back", err, hotcell.ErrConflict, "was sent before")
	twice := s.sealed(string(secret.ID), "A", s.plant("twice"))
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: secret.ID, Set: append(twice, twice...)})
	refused(t, "twice in one", err, hotcell.ErrInvalid, "given twice")
}

// X25519 ignores the top bit of a public key: another spelling of a message
// that came in must not open, or it would pass as a new one.
func TestAMessageHasOneSpelling(t *testing.T) {
	t.Parallel()
	s := setup(t)
	sealed := s.sealed("billing", "A", s.plant("a"))
	for _, bit := range []int{31*8 + 7, 0, 32 * 8, len(sealed[0].Message)*8 - 1} {
		other := bytes.Clone(sealed[0].Message)
		other[bit/8] ^= 1 << (bit % 8)
		refused(t, "one bit of another kind", s.create("billing", vaultrpc.SealedVariable{Name: "A", Message: other}), hotcell.ErrInvalid, "was not sealed to the vault's key")
	}
	longer := append(bytes.Clone(sealed[0].Message), 0)
	refused(t, "a byte more", s.create("billing", vaultrpc.SealedVariable{Name: "A", Message: longer}), hotcell.ErrInvalid, "was not sealed to the vault's key")
	must(t, s.create("billing", sealed...))
}

func TestNamesOfSecretsAndVariables(t *testing.T) {
	t.Parallel()
	s := setup(t)
	reserved := []string{
		"PATH", "HOME", "LD_PRELOAD", "LD_X", "HOTCELL_X", "HOTCELL", "https_proxy", "HTTP_PROXY", "no_proxy", "all_PROXY",
		"BASH_ENV", "NODE_OPTIONS", "SSL_CERT_FILE", "IFS", "GIT_SSH_COMMAND",
	}
	for _, name := range reserved {
		refused(t, name, s.create("billing", s.sealed("billing", name, "x")...), hotcell.ErrInvalid, "is reserved")
	}
	for _, name := range []string{"", "1A", "A-B", "A B", "A=B", "É", "A\n", "A\x00", strings.Repeat("A", 129)} {
		refused(t, "a variable's name", s.create("billing", s.sealed("billing", name, "x")...), hotcell.ErrInvalid, "a variable's name is")
	}
	for _, name := range []string{"", " a", "a ", "a\nb", "a\x1b[2Jb", "a\u009bb", "a\u2028b", strings.Repeat("n", 129), "\x7f"} {
		refused(t, "a secret's name", s.create(name, s.sealed(name, "A", "x")...), hotcell.ErrInvalid, "name")
		_, err := s.control.CreateAssignment(t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.me), Name: name, Work: hotcell.Work{Command: "true"}})
		refused(t, "an assignment's name", err, hotcell.ErrInvalid, "name")
	}
	for _, name := range []string{"a", strings.Repeat("ö", 128), "two words", "slash/ed"} {
		must(t, s.create(name, s.sealed(name, "A", s.plant("a"), "_", s.plant("b"), strings.Repeat("N", 128), s.plant("c"), "path", s.plant("d"))...))
	}
	refused(t, "no variables", s.create("empty"), hotcell.ErrInvalid, "at least one variable")
}

func TestSizesOfValues(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for what, c := range map[string]struct{ value, sentence string }{
		"nothing":    {"", "at least one byte"},
		"NUL":        {"a\x00b", "no NUL"},
		"65,537":     {strings.Repeat("v", 65_537), "at most 65536 bytes"},
		"a megabyte": {strings.Repeat("v", 1<<20), "at most 65536 bytes"},
	} {
		refused(t, what, s.create("billing", s.sealed("billing", "A", c.value)...), hotcell.ErrInvalid, c.sentence)
	}
	whole := s.plant("large") + strings.Repeat("v", 65_536-128)
	whole += strings.Repeat("w", 65_536-len(whole))
	secret := s.secret(s.me, "large", "A", whole)
	if got := s.leased(s.me, s.assignment(s.me, "report", secret.ID))["A"]; got != whole {
		t.Error("65,536 bytes did not arrive as they were")
	}
}

func TestSizesOfSecrets(t *testing.T) {
	t.Parallel()
	s := setup(t)
	large := strings.Repeat("v", 65_536-1)
	four := []string{"A", large, "B", large, "C", large, "D", large}
	full := s.secret(s.me, "full", four...)
	refused(t, "256 KiB and more", s.create("over", s.sealed("over", append(four, "E", "v")...)...), hotcell.ErrInvalid, "at most 256 KiB")
	_, err := s.set(s.me, full.ID, 0, "E", "v")
	refused(t, "256 KiB and more by a change", err, hotcell.ErrInvalid, "at most 256 KiB")

	var many []string
	for i := range 201 {
		many = append(many, "V"+strings.Repeat("x", i%100)+string(rune('A'+i/100)), "v")
	}
	refused(t, "201 variables", s.create("many", s.sealed("many", many...)...), hotcell.ErrInvalid, "at most 200 variables")
	most := s.secret(s.me, "most", many[2:]...)
	_, err = s.set(s.me, most.ID, 0, "ONE_MORE", "v")
	refused(t, "201 variables by a change", err, hotcell.ErrInvalid, "at most 200 variables")
}

func TestSizesOfAnAssignment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	large := strings.Repeat("v", 65_536-2)
	on := s.assignment(s.me, "report")
	for i := range 5 {
		p := string(rune('A' + i))
		next := s.secret(s.me, p, p+"A", large, p+"B", large, p+"C", large, p+"D", large[:65_000])
		_, err := s.attach(s.me, on, next.ID)
		if i < 4 {
			must(t, err)
			continue
		}
		refused(t, "1 MiB and more", err, hotcell.ErrConflict, "more than 1 MiB")
	}
	small := s.secret(s.me, "small", "SMALL", "v")
	_, err := s.attach(s.me, on, small.ID)
	must(t, err)
	_, err = s.set(s.me, small.ID, 0, "SMALL", large)
	refused(t, "1 MiB and more by a change", err, hotcell.ErrConflict, "more than 1 MiB")
	if got := s.leased(s.me, on); len(got) != 17 || got["SMALL"] != "v" {
		t.Errorf("%d variables", len(got))
	}
	environment := map[string]string{}
	for i := range 5 {
		environment["E"+string(rune('A'+i))] = large
	}
	work := &hotcell.Work{Command: "true", Environment: environment}
	_, err = s.control.ChangeAssignment(t.Context(), &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Work: work})
	refused(t, "an environment that no program can start with", err, hotcell.ErrInvalid, "256 KiB")
}
