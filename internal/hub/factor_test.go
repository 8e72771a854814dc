package hub_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"headroom/internal/fault"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
)

// An only administrator without his phone is let in by whoever runs the hub, while it
// runs.
func TestOperatorResetsTheFactorOfAnOnlyAdministrator(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
		ada, err := h.Accounts.Login(t.Context(), hubtest.Email, hubtest.Password, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Accounts.BeginFactor(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		e, err := h.Accounts.Enrolment(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		code, err := totp.GenerateCode(e.Key, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Accounts.ConfirmFactor(t.Context(), ada, 0, code, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Accounts.Login(t.Context(), hubtest.Email, hubtest.Password, "192.0.2.1"); err == nil {
			t.Fatal("the password alone signs in")
		}
		if err := hub.ResetFactor(t.Context(), dsn, hubtest.Email); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Accounts.Login(t.Context(), hubtest.Email, hubtest.Password, "192.0.2.1"); err != nil {
			t.Errorf("with the factor reset: %v", err)
		}
		if err := hub.ResetFactor(t.Context(), dsn, hubtest.Email); fault.KindOf(err) != fault.NotFound {
			t.Errorf("once more: %v, want that there is none", err)
		}
	})
	if err := hub.ResetFactor(t.Context(), filepath.Join(t.TempDir(), "none.db"), hubtest.Email); err == nil {
		t.Error("a store was made")
	}
}
