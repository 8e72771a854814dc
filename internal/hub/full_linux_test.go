package hub_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// D-10, the hub's half: a hub whose disk is full says so to agents, with a time after
// which they come again, and acknowledges nothing that it has not kept; people read what
// there is; and it goes on without a restart once there is room.
func TestFullDiskStopsOnlyNewData(t *testing.T) {
	dir := smallDisk(t, 8)
	h := hubtest.New(t, func(c *hub.Config) { c.Store = filepath.Join(dir, "hub.db") })
	a := h.RegisteredAgent("lic01")
	browser := signedIn(t, h)

	others := filepath.Join(dir, "of-others")
	fill(t, others, 1<<20)
	taken, refused := uint64(0), hubtest.Answer{}
	for seq := uint64(1); refused.Status == 0; seq++ {
		switch got := a.Put(seq, manyPools(t, a, seq)); {
		case got.Status == http.StatusOK:
			taken = seq
		case seq > 500:
			t.Fatal("8 MiB are not full after 500 batches")
		default:
			refused = got
		}
	}
	if refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("a batch on a full disk: %d %s, Retry-After %q; want 503 and a time", refused.Status, refused.Body, refused.Header.Get("Retry-After"))
	}
	for range 5 {
		if got := a.Put(taken+1, manyPools(t, a, taken+1)); got.Status != http.StatusServiceUnavailable {
			t.Errorf("and again: %d %s, want 503", got.Status, got.Body)
		}
	}
	if got := a.Put(taken, manyPools(t, a, taken)); got.Status == http.StatusOK && !strings.Contains(string(got.Body), wire.ReceiptKnown) {
		t.Errorf("what was there before: %d %s, want it known", got.Status, got.Body)
	}
	for _, path := range []string{"/", "/servers", "/servers/" + a.Servers[0].GUID, "/registrations"} {
		if status, text := get(t, browser, h.URL()+path); status != http.StatusOK {
			t.Errorf("%s on a full disk: %d %s", path, status, text)
		}
	}
	if err := h.Erasure.Delete(t.Context(), h.Actor(), a.Servers[0].GUID, time.Now()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a deletion on a full disk: %v, want it put off: it has to be written down", err)
	}
	if err := os.Remove(others); err != nil {
		t.Fatal(err)
	}
	if got := a.Put(taken+1, manyPools(t, a, taken+1)); got.Status != http.StatusOK {
		t.Errorf("with room again: %d %s, want 200", got.Status, got.Body)
	}
	for seq := uint64(1); seq <= taken; seq++ {
		if got := a.Put(seq, manyPools(t, a, seq)); !strings.Contains(string(got.Body), wire.ReceiptKnown) {
			t.Errorf("batch %d was acknowledged, and is now answered with %d %s", seq, got.Status, got.Body)
		}
	}
	t.Logf("D-10: %d batches acknowledged on 8 MiB and all there, 6 refused, one taken without a restart", taken)
}

// smallDisk mounts a file system of so many MiB for the duration of the test.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mib)); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { // after the hub has ended
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file that leaves so much room on its disk.
func fill(t *testing.T, path string, leave int64) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// manyPools is a batch that needs some room: the same for the same sequence.
func manyPools(t *testing.T, a *hubtest.Agent, seq uint64) []byte {
	t.Helper()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Hour).Unix()
	s := &wire.Samples{At: []int64{at}, Interval: 300, Complete: true, Source: "sim"}
	for i := range 200 {
		s.Pools = append(s.Pools, wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: fmt.Sprintf("feature-%d-%d", seq, i)}, State: license.StateCounted.String(),
			InUse: wire.Counts{license.Of(int64(i))}, Installed: wire.Counts{license.Of(500)},
		})
	}
	body, err := wire.EncodeBatch(wire.BatchHeader{Epoch: hubtest.Epoch, Seq: seq, Server: a.Servers[0].GUID, MadeAt: at, Version: "test"}, s)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// signedIn is the administrator's browser.
func signedIn(t *testing.T, h *hubtest.Hub) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	resp, err := c.PostForm(h.URL()+"/login", url.Values{"email": {hubtest.Email}, "password": {hubtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 300))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
