package console_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/hub/audit"
	"headroom/internal/hub/erasure"
)

// usage data are deleted by an administrator who has signed in within five
// minutes and has typed the name; the entry of the audit log stays.
func TestUsageDataAreDeletedOnPurposeOnly(t *testing.T) {
	h := founded(t)
	h.confirmed()
	h.get("/servers").wants(http.StatusOK, `name="server" value="`+lic1.GUID+`"`, "Delete usage data")
	h.get("/servers/delete?server="+lic1.GUID).wants(http.StatusOK, "lic-1", "Delete for good", "stays registered")
	h.get("/servers/delete").wants(http.StatusSeeOther)
	h.post("/servers/"+lic1.GUID+"/acknowledge", nil).wants(http.StatusConflict, "not silent")
	h.get("/servers/delete?server=nobody").wants(http.StatusNotFound)

	typed := func(name string) url.Values { return url.Values{"server": {lic1.GUID}, "name-" + lic1.GUID: {name}} }
	h.post("/servers/delete", nil).wants(http.StatusUnprocessableEntity)
	h.post("/servers/delete", typed("LIC-1")).wants(http.StatusUnprocessableEntity, "lic-1 is not typed like that")

	h.later = erasure.Fresh + 1e9
	form := typed("lic-1")
	h.post("/servers/delete", form).wants(http.StatusUnprocessableEntity, "Your password", "not your password")
	form.Set("password", "another")
	h.post("/servers/delete", form).wants(http.StatusUnprocessableEntity, "Nothing was deleted")
	if got := h.log()[0].Act; got == audit.Erased {
		t.Fatal("it was deleted without a password")
	}
	form.Set("password", password)
	h.post("/servers/delete", form).wants(http.StatusSeeOther)
	e := h.log()[0]
	if e.Act != audit.Erased || e.Subject != "lic-1" || e.Actor.Name != email || !strings.Contains(e.Detail, "2026-11-24T13:10:01Z") {
		t.Errorf("entry %+v", e)
	}
	h.post("/servers/delete", typed("lic-1")).wants(http.StatusSeeOther) // the password is fresh again
	h.get("/servers").wants(http.StatusOK, "being cleaned")
	if err := h.erasure.Store.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := h.get("/servers"); strings.Contains(page.body, "being cleaned") {
		t.Error("after the purge it still says that files are being cleaned")
	}
}

// Where the ledger cannot be written, the page says what was done and what was not.
func TestADeletionThatTheLedgerMissesIsToldAsSuch(t *testing.T) {
	h := founded(t)
	h.confirmed()
	h.erasure.Ledger = filepath.Join(t.TempDir(), "no", "such", "folder")
	form := url.Values{"server": {lic1.GUID}, "name-" + lic1.GUID: {"lic-1"}}
	h.post("/servers/delete", form).wants(http.StatusServiceUnavailable, "are deleted", "ledger")
	if e := h.log()[0]; e.Act != audit.Erased {
		t.Errorf("entry %+v", e)
	}
}
