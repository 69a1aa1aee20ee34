package test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell/hotcelltest"
	"hotcell/test/acme"
)

// Values that people gave and jobs used are in no process's memory once nobody uses
// them: neither in ours nor in the buffers of libraries.
func TestNoValueStaysInMemory(t *testing.T) {
	t.Parallel()
	const mine = "a value that this process has: 7q4vXr9kTz2mPwLd81"
	if n := hotcelltest.Copies(t, os.Getpid(), mine+os.Getenv("NONE")); len(n[0]) == 0 {
		t.Fatal("a value that is there is not found")
	}
	a := openAcme(t, "")
	f := faceOf(t, a.Server)
	const env, otherEnv, login, wrong = "9fQ2mVx7LrT4kPwZ81sYc3Ub", "env-K7wz2Qp9Xv4mRt81Lc6Yd", "pw-T3kz8Wq1Vx6nRm52Jc9Yb", "wrong-Hv82Kq0Zx5mTr71Lb3"
	for path, body := range map[string]string{
		"/v1/connections": `{"connector":"http","name":"billing","key":"` + a.Key + `","http":{"host":"` + acme.APIName + `","port":` + strconv.Itoa(a.APIPort) + `,"auth":{"kind":"bearer"}}}`,
		"/v1/secrets":     `{"name":"bound","hosts":["` + a.api + `"],"values":{"BOUND":"` + env + `"}}`,
		"/v1/logins":      `{"name":"portal","site":"https://portal.acme.test/login","username":"ada","password":"` + login + `"}`,
	} {
		if r := f.do("POST", path, body); r.status != 201 {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
	}
	a.secret(t, "plain", "PLAIN="+otherEnv+"\n")
	db := a.database(t)
	a.secret(t, "database", "DATABASE_URL="+a.DatabaseURL()+"\n", "--hosts", db)
	for range 10 { // what is refused is gone as well
		if r := f.do("POST", "/v1/secrets", `{"name":"x y","unknown":1,"values":{"K":"`+wrong+`"}}`); r.status != 422 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	a.OK("assignments", "create", "report", "--allow", a.api, "--allow", db+"/postgres", "--command", `for i in 1 2 3; do
		curl -sS -o /dev/null https://`+a.api+`/v1/invoices; curl -sS -o /dev/null -H "Authorization: Bearer $BOUND" https://`+a.api+`/echo
		echo "$PLAIN"; psql "$DATABASE_URL" -Atc 'SELECT 1'; done`)
	for _, attach := range []string{"billing http", "bound stand-in", "database stand-in", "plain env"} {
		name, as, _ := strings.Cut(attach, " ")
		a.OK("assignments", "attach", "report", name, "--as", as)
	}
	for range 3 {
		if r := a.Server.Run("run", "report"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	// What asks all the time takes from the same pools, and keeps them full.
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan int)
	go func() {
		n := 0
		defer func() { asked <- n }()
		for ctx.Err() == nil {
			f.do("GET", "/v1/secrets", "")
			n++
			time.Sleep(20 * time.Millisecond)
		}
	}()
	defer func() {
		cancel()
		if n := <-asked; n == 0 {
			t.Error("nothing was asked meanwhile")
		}
	}()
	var left []string
	for range 20 {
		if left = a.Memory(a.Key, env, otherEnv, login, wrong, a.Password); len(left) == 0 {
			return
		}
		time.Sleep(3 * time.Second) // it is looked for everywhere, which takes long
	}
	t.Errorf("after a minute of rest:\n%s", strings.Join(left, "\n"))
}
