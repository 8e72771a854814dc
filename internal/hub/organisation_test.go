package hub_test

import (
	"path"
	"path/filepath"
	"testing"

	"headroom/internal/fault"
	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
)

// A second organisation on one hub has its own members and nothing of the first.
func TestAHubTakesAnotherOrganisation(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
		h.RegisteredAgent("lic01")
		link, err := hub.AddOrganisation(t.Context(), dsn, "Other AG", "Asia/Tokyo", "eve@example.com")
		if err != nil {
			t.Fatal(err)
		}
		eve, err := h.Accounts.Accept(t.Context(), path.Base(link), "Eve", hubtest.Password, "192.0.2.1")
		if err != nil || eve.Role != account.Admin || eve.Org == h.Org.ID {
			t.Fatalf("%+v, %v", eve, err)
		}
		if all, err := h.Usage.Servers(t.Context(), eve.Org); err != nil || len(all) != 0 {
			t.Errorf("she sees %v, %v, want nothing", all, err)
		}
		if _, err := h.Accounts.Member(t.Context(), h.Org.ID, eve.ID+1); fault.KindOf(err) != fault.NotFound {
			t.Errorf("she is a member of the first organisation too: %v", err)
		}
		for _, bad := range [][3]string{{"", "UTC", "a@example.com"}, {"X", "Mars", "a@example.com"}, {"X", "UTC", "a"}, {"X", "UTC", hubtest.Email}} {
			if _, err := hub.AddOrganisation(t.Context(), dsn, bad[0], bad[1], bad[2]); err == nil {
				t.Errorf("%q is made", bad)
			}
		}
	})
	if _, err := hub.AddOrganisation(t.Context(), filepath.Join(t.TempDir(), "none.db"), "X", "UTC", "a@example.com"); err == nil {
		t.Error("a store was made")
	}
}
