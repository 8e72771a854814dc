package seal_test

import (
	"strings"
	"testing"

	"headroom/internal/hub/seal"
)

func keys(t testing.TB, text string) *seal.Keys {
	t.Helper()
	k, err := seal.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSecretOpensWhereItWasSealedOnly(t *testing.T) {
	line := seal.NewKeyLine()
	k := keys(t, line)
	const secret = "JBSWY3DPEHPK3PXP"
	sealed := k.Seal(secret, "totp 1/2")
	if strings.Contains(sealed, secret) || k.Seal(secret, "totp 1/2") == sealed {
		t.Errorf("Seal = %q: it shows the secret, or that two are the same", sealed)
	}
	if got, err := keys(t, line).Open(sealed, "totp 1/2"); got != secret || err != nil {
		t.Errorf("Open = %q, %v, want %q", got, err, secret)
	}
	for name, open := range map[string]func() (string, error){
		"another row": func() (string, error) { return k.Open(sealed, "totp 1/3") },
		"another key": func() (string, error) { return keys(t, seal.NewKeyLine()).Open(sealed, "totp 1/2") },
		"plain text":  func() (string, error) { return k.Open(secret, "totp 1/2") },
		"nothing":     func() (string, error) { return k.Open("", "totp 1/2") },
	} {
		if got, err := open(); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: Open = %q, %v, want an error without the secret", name, got, err)
		}
	}
	for i := range sealed {
		changed := sealed[:i] + string(sealed[i]^1) + sealed[i+1:]
		if got, err := k.Open(changed, "totp 1/2"); err == nil && got != secret {
			t.Errorf("changed at byte %d it opens as %q", i, got)
		}
	}
}

func TestOlderKeysStillOpen(t *testing.T) {
	old := seal.NewKeyLine()
	sealed := keys(t, old).Seal("secret", "mail 1")
	k := keys(t, "# made anew in November\n"+seal.NewKeyLine()+"\n"+old)
	if got, err := k.Open(sealed, "mail 1"); got != "secret" || err != nil {
		t.Errorf("with a newer key above it: %q, %v", got, err)
	}
	if id := keys(t, old).ID(); k.ID() == id || !k.Has(id) {
		t.Errorf("the older key %s seals still, or is not known", id)
	}
}

func TestKeyFileThatIsNoneIsRefusedWithoutShowingIt(t *testing.T) {
	line := strings.TrimSpace(seal.NewKeyLine())
	for _, text := range []string{"", "\n# nothing\n", "hunter2", line[:len(line)-4], strings.Repeat(seal.NewKeyLine()+"\n", 1) + "password", line + "\n" + line[5:]} {
		_, err := seal.ParseKeys(text)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), line[30:]) {
			t.Errorf("ParseKeys(%q) = %v, want an error without what stands there", text, err)
		}
	}
}
