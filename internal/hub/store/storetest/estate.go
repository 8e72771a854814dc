package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/store"
	"headroom/internal/license"
)

// Found makes the organisation of an empty store and returns its number.
func Found(t testing.TB, db *store.DB, zone string) (org int64) {
	t.Helper()
	token := []byte("token")
	if set, err := db.SetSetupToken(t.Context(), token); err != nil || !set {
		t.Fatalf("SetSetupToken = %v, %v", set, err)
	}
	m, err := db.Setup(t.Context(), token, account.Organisation{PublicID: "4F2K", Name: "Example Corp", Zone: zone},
		account.Login{Member: account.Member{Email: "admin@example.com", Role: account.Admin}},
		audit.Entry{Act: audit.Founded, Subject: "Example Corp"})
	if err != nil {
		t.Fatal(err)
	}
	return m.Org
}

// Admit registers an agent with the license servers of these GUIDs and returns
// its number. The same agent GUID again renews the registration.
func Admit(t testing.TB, db *store.DB, org int64, agent string, at time.Time, servers ...string) (id int64) {
	t.Helper()
	r := registration.Record{
		ID: uuid.NewString(), KeyID: uuid.NewString(), AgentGUID: agent, Host: "host-of-" + agent,
		State: registration.Waiting, Asked: at, Expires: at.Add(time.Hour),
	}
	r.CodeHash, r.PublicKey = []byte(r.ID), []byte(r.KeyID)
	for _, guid := range servers {
		r.Servers = append(r.Servers, license.Server{GUID: guid, Name: "name-of-" + guid, Manager: "flexnet"})
	}
	if err := db.AddRegistration(t.Context(), r, registration.Limits{Live: 1 << 20, PerAddress: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	err := db.Admit(t.Context(), r.ID, at, func(r *registration.Record) (*audit.Entry, error) {
		r.State, r.Org = registration.Confirmed, org
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := db.AgentByKey(t.Context(), r.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}
