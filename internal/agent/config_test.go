package agent_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
)

// good is a configuration with all that must be said.
const good = `hub = "https://hub.example.com/"
state = "state"

[[server]]
name = "cad"
reader = "file"
path = "cad.txt"
`

// writeConfig writes a configuration into a folder of its own.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigTakesDefaultsAndRelativePathsFromItsFolder(t *testing.T) {
	path := writeConfig(t, good+"license_file = \"cad.lic\"\n")
	c, err := agent.LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	s := c.Servers[0]
	for _, check := range []struct{ what, got, want string }{
		{"hub", c.Hub, "https://hub.example.com"},
		{"state", c.State, filepath.Join(folder, "state")},
		{"path", s.Path, filepath.Join(folder, "cad.txt")},
		{"license_file", s.LicenseFile, filepath.Join(folder, "cad.lic")},
		{"upload_every", time.Duration(c.UploadEvery).String(), "24h0m0s"},
		{"interval", time.Duration(s.Interval).String(), "5m0s"},
	} {
		if check.got != check.want {
			t.Errorf("%s is %q, want %q", check.what, check.got, check.want)
		}
	}
}

func TestConfigKeepsWholePaths(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "elsewhere")
	c, err := agent.LoadConfig(writeConfig(t, strings.Replace(good, `"state"`, `'`+whole+`'`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if c.State != whole {
		t.Errorf("state is %q, want %q", c.State, whole)
	}
}

// other is good with another reader and its keys.
func other(reader, keys string) string {
	return strings.Replace(good, "reader = \"file\"\npath = \"cad.txt\"\n", "reader = \""+reader+"\"\n"+keys, 1)
}

func TestConfigIsTaken(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "lmutil")
	for name, text := range map[string]string{
		"http to this machine":   strings.Replace(good, "https://hub.example.com/", "http://127.0.0.1:8080", 1),
		"http to this IPv6":      strings.Replace(good, "https://hub.example.com/", "http://[::1]:8080", 1),
		"http to localhost":      strings.Replace(good, "https://hub.example.com/", "http://localhost", 1),
		"the shortest intervals": "upload_every = \"5m\"\n" + good + "interval = \"10s\"\n",
		"the longest intervals":  "upload_every = \"24h\"\n" + good + "interval = \"12h\"\n",
		"a zone":                 good + "zone = \"Europe/Berlin\"\n",
		"a cluster":              other("slurm", "tool = '"+tool+"'\n"),
		"a relay":                other("keygen-relay", "path = \"relay.sqlite\"\n"),
		"a relay's tool":         other("keygen-relay", "path = \"relay.sqlite\"\ntool = '"+tool+"'\n"),
		"a command":              other("generic", "command = ['"+tool+"', \"--all\"]\n"),
		"a file of our own":      other("generic", "path = \"usage.json\"\n"),
		"a debug log":            strings.Replace(good, `"file"`, `"flexnet-log"`, 1),
		"a report log":           strings.Replace(good, `"file"`, `"rlm-report-log"`, 1),
		"a log beside a status":  other("rlm", "tool = '"+tool+"'\nlicense = \"5053@localhost\"\nlog = \"acme*.rl\"\n"),
		"lmutil":                 good + "[[server]]\nname = \"cae\"\nreader = \"flexnet\"\ntool = '" + tool + "'\nlicense = \"27000@localhost\"\ntimeout = \"30s\"\n",
	} {
		if _, err := agent.LoadConfig(writeConfig(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	flexnet := func(keys string) string {
		return with("reader = \"file\"\npath = \"cad.txt\"\n", "reader = \"flexnet\"\n"+keys)
	}
	for _, c := range []struct {
		name, text string
		want       []string // parts of the error
	}{
		{"no TOML", "hub = \n", []string{"1|"}},
		{"an unknown key", good + "intervall = \"5m\"\n", []string{"8|", "intervall"}},
		{"an unknown key at the top", "uplaod_every = \"5m\"\n" + good, []string{"1|", "uplaod_every"}},
		{"a wrong duration", good + "interval = \"5 minutes\"\n", []string{"8|", "5 minutes", "15m"}},
		{"a duration without unit", good + "interval = \"300\"\n", []string{"8|", "300"}},
		{"a number for a duration", good + "interval = 300\n", []string{"interval is 300ns"}},
		{"a number for a timeout", good + "timeout = 30\n", []string{"timeout is 30ns", "1s"}},
		{"a word for a switch", good + "replay = \"yes\"\n", []string{"8|", "replay"}},
		{"no hub", with("hub = \"https://hub.example.com/\"\n", ""), []string{"hub is \"\"", "https://"}},
		{"a hub without scheme", with("https://hub.example.com/", "hub.example.com"), []string{"hub is \"hub.example.com\""}},
		{"plain http to another host", with("https://hub.example.com/", "http://hub.example.com"), []string{"plain http", "https"}},
		{"another scheme", with("https://hub.example.com/", "ftp://hub.example.com"), []string{"hub is"}},
		{"a hub with a path", with("https://hub.example.com/", "https://hub.example.com/headroom"), []string{"hub is", "/headroom"}},
		{"a hub with a query", with("https://hub.example.com/", "https://hub.example.com/?a=b"), []string{"hub is", "?a=b"}},
		{"a hub with a password", with("https://hub.example.com/", "https://me:secret@hub.example.com"), []string{"hub", "user"}},
		{"no state", with("state = \"state\"\n", ""), []string{"state is missing"}},
		{"no server", with(good[strings.Index(good, "[["):], ""), []string{"[[server]]"}},
		{"frequent uploads", "upload_every = \"4m59s\"\n" + good, []string{"upload_every is 4m59s", "5m0s", "24h0m0s"}},
		{"rare uploads", "upload_every = \"25h\"\n" + good, []string{"upload_every is 25h0m0s"}},
		{"frequent readings", good + "interval = \"9s\"\n", []string{"server 1 (cad)", "interval is 9s", "10s", "12h0m0s"}},
		{"rare readings", good + "interval = \"13h\"\n", []string{"interval is 13h0m0s"}},
		{"half seconds", good + "interval = \"10500ms\"\n", []string{"interval is 10.5s", "whole seconds"}},
		{"a negative interval", good + "interval = \"-5m\"\n", []string{"interval is -5m0s"}},
		{"a negative timeout", good + "timeout = \"-5m\"\n", []string{"timeout is -5m0s"}},
		{"no name", with(`"cad"`, `""`), []string{"server 1", "name is missing"}},
		{"one name twice", good + "[[server]]\nname = \"CAD\"\nreader = \"file\"\npath = \"b.txt\"\n", []string{"server 2", "CAD", "twice"}},
		{"no reader", with("reader = \"file\"\n", ""), []string{"server 1 (cad)", "reader is \"\"", "flexnet-log"}},
		{"another reader", with(`"file"`, `"flexlm"`), []string{"reader is \"flexlm\"", "rlm"}},
		{"a manager without a tool", other("rlm", ""), []string{"tool is missing", "/opt/rlm/rlmutil"}},
		{"three ways to a manager", other("rlm", "tool = \"/opt/rlmutil\"\npath = \"a.txt\"\n"), []string{"tool, command and path", "leave one"}},
		{"a manager without a license server", other("rlm", "tool = '"+filepath.Join(t.TempDir(), "rlmutil")+"'\n"), []string{"license is \"\"", "5053@localhost"}},
		{"no path", with("path = \"cad.txt\"\n", ""), []string{"path is missing"}},
		{"an unknown zone", good + "zone = \"Europe/Berlino\"\n", []string{"zone is \"Europe/Berlino\""}},
		{"a tool on the search path", flexnet("tool = \"lmutil\"\nlicense = \"27000@localhost\"\n"), []string{"tool is \"lmutil\"", "whole path"}},
		{"scontrol on the search path", other("slurm", "tool = \"scontrol\"\n"), []string{"tool is \"scontrol\"", "/usr/bin/scontrol"}},
		{"no database", other("keygen-relay", ""), []string{"path is missing", "Keygen Relay"}},
		{"relay on the search path", other("keygen-relay", "path = \"a\"\ntool = \"relay\"\n"), []string{"tool is \"relay\"", "whole path"}},
		{"nothing to run", other("generic", ""), []string{"command or path is missing"}},
		{"too much to run", other("generic", "path = \"a\"\ncommand = [\"/b\"]\n"), []string{"a command and a path"}},
		{"a command on the search path", other("generic", "command = [\"usage\", \"/b\"]\n"), []string{"\"usage\"", "whole path"}},
		{"a command in one word", other("generic", "command = \"/b -c\"\n"), []string{"command"}},
		{"no license", flexnet("tool = '" + filepath.Join(t.TempDir(), "lmutil") + "'\n"), []string{"license is missing", "27000@"}},
	} {
		path := writeConfig(t, c.text)
		_, err := agent.LoadConfig(path)
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		for _, want := range append(c.want, path) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not say %q:\n%v", c.name, want, err)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
}

func TestConfigThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.toml")
	if _, err := agent.LoadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func citrixConfig(keys string) string {
	powershell := `C:\Windows\powershell.exe`
	if filepath.Separator == '/' {
		powershell = "/opt/powershell"
	}
	return strings.Replace(good, "reader = \"file\"\npath = \"cad.txt\"\n", "reader = \"citrix\"\n", 1) + keys + "\n[server.citrix]\npowershell = '" + powershell + "'\n"
}

func TestCitrixIsNotAskedFasterWithoutAWord(t *testing.T) {
	for keys, want := range map[string]string{"": "15m0s", "interval = \"1h\"\n": "1h0m0s", "interval = \"1m\"\nallow_fast = true\n": "1m0s"} {
		c, err := agent.LoadConfig(writeConfig(t, citrixConfig(keys)))
		if err != nil {
			t.Errorf("%q: %v", keys, err)
			continue
		}
		if got := time.Duration(c.Servers[0].Interval).String(); got != want {
			t.Errorf("%q: interval %s, want %s", keys, got, want)
		}
	}
	_, err := agent.LoadConfig(writeConfig(t, citrixConfig("interval = \"14m\"\n")))
	if err == nil || !strings.Contains(err.Error(), "allow_fast") || !strings.Contains(err.Error(), "15m0s") {
		t.Errorf("an interval of 14 minutes: %v, want an error that names allow_fast", err)
	}
}

func TestCitrixConfigSaysWhatIsWrong(t *testing.T) {
	hash := "cert_hash = \"" + strings.Repeat("0F", 20) + "\"\n"
	for keys, want := range map[string]string{
		"udadmin = \"udadmin.exe\"\n":                                               "udadmin is \"udadmin.exe\"",
		"admin_address = \"lic01:8083\"\n" + hash:                                   "admin_address is \"lic01:8083\"",
		"admin_address = \"http://lic01:8083\"\n" + hash:                            "admin_address is",
		"admin_address = \"https://lic01:8083/x\"\n" + hash:                         "admin_address is",
		"admin_address = \"https://lic01:8083\"\n":                                  "cert_hash is missing",
		"admin_address = \"https://lic01:8083\"\nudadmin = '/opt/udadmin'\n" + hash: "leave it out",
		"cert_hash = \"sure\"\n":                                                    "cert_hash is \"sure\"",
		"cert_hash = \"0F\"\n":                                                      "cert_hash is \"0F\"",
	} {
		if filepath.Separator != '/' && strings.Contains(keys, "/opt") {
			continue
		}
		if _, err := agent.LoadConfig(writeConfig(t, citrixConfig("")+keys)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", keys, err, want)
		}
	}
	c, err := agent.LoadConfig(writeConfig(t, citrixConfig("")+"admin_address = \"https://lic01.example.com:8083\"\nlicense_folder = \"MyFiles\"\n"+hash))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Servers[0].Citrix.LicenseFolder; !filepath.IsAbs(got) {
		t.Errorf("license_folder is %q, want it within the file's folder", got)
	}
}
