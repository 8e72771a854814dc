package mail_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"headroom/internal/hub/mail"
	"headroom/internal/hub/mail/mailtest"
)

func open(t *testing.T, c mail.Config) *mail.Server {
	t.Helper()
	s, err := mail.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// C-04: mails go through a real server with STARTTLS and a sign-in.
func TestMailWithAttachmentArrivesEncryptedAndSignedIn(t *testing.T) {
	server := mailtest.Start(t, false)
	pdf := []byte("%PDF-1.7 \x00\xff figures")
	err := open(t, server.Config()).Send(t.Context(), mail.Message{
		To: []string{"ada@example.com", "bob@example.com"}, Subject: "Größte Nutzung", Text: "Peak: 41 of 40.\n.\nEnd", ID: "report 1/7",
		Attachments: []mail.Attachment{{Name: "november.pdf", Type: "application/pdf", Data: pdf}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := server.Next(t)
	if !got.Encrypted || got.User != mailtest.User || got.From != "headroom@example.com" || !slices.Equal(got.To, []string{"ada@example.com", "bob@example.com"}) {
		t.Errorf("encrypted %t, signed in as %q, from %q to %q", got.Encrypted, got.User, got.From, got.To)
	}
	m := parse(t, got.Data)
	if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); subject != "Größte Nutzung" || err != nil {
		t.Errorf("subject %q (%v)", subject, err)
	}
	if id := m.Header.Get("Message-ID"); id != "<report-1-7@example.com>" {
		t.Errorf("Message-ID %q", id)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	text, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(text); err != nil || strings.TrimSpace(string(body)) != "Peak: 41 of 40.\r\n.\r\nEnd" {
		t.Errorf("%v: text %q", err, body)
	}
	file, err := parts.NextPart()
	if err != nil || file.FileName() != "november.pdf" || !strings.HasPrefix(file.Header.Get("Content-Type"), "application/pdf") {
		t.Fatalf("%v: attachment %+v", err, file)
	}
	if encoded := readAll(t, file); !bytes.Equal(decode64(t, encoded), pdf) {
		t.Errorf("the attachment came as %q", encoded)
	}
}

// C-04: a server that is not who it should be gets no mail and no password.
func TestMailServerThatIsNotTrustedIsRefused(t *testing.T) {
	server, plain := mailtest.Start(t, false), mailtest.Start(t, true)
	for name, change := range map[string]func(*mail.Config){
		"a certificate that nobody trusts": func(c *mail.Config) { c.CA = "" },
		"another certificate":              func(c *mail.Config) { c.CA = plain.CA },
		"the name of another host":         func(c *mail.Config) { c.Server = strings.Replace(c.Server, "127.0.0.1", "localhost", 1) },
		"no STARTTLS":                      func(c *mail.Config) { c.Server, c.CA = plain.Addr, plain.CA },
		"a wrong password":                 func(c *mail.Config) { c.Password = "wrong" },
		"no password":                      func(c *mail.Config) { c.User, c.Password = "", "" },
	} {
		c := server.Config()
		change(&c)
		err := open(t, c).Send(t.Context(), mail.Message{To: []string{"ada@example.com"}, Subject: "x", Text: "y"})
		if err == nil || strings.Contains(err.Error(), mailtest.Password) {
			t.Errorf("%s: %v, want an error without the password", name, err)
		}
	}
	server.None(t)
	plain.None(t)
}

// C-04, L-06: what came from a license server becomes no header and no recipient.
func TestHostileNamesAddNoHeader(t *testing.T) {
	server := mailtest.Start(t, false)
	sender := open(t, server.Config())
	hostile := []string{
		"x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\rBcc: eve@example.com", "x\r\n\r\n<script>", "x\u2028Bcc: eve@example.com",
		"\r\n.\r\nMAIL FROM:<eve@example.com>\r\n", "x\x00Bcc: eve", "=?utf-8?q?x=0D=0ABcc:_eve@example.com?=", `x"; filename="evil.exe`,
		strings.Repeat("x\r\nBcc: eve@example.com", 30), "\xff\xfe\r\nBcc: eve@example.com", "\u202egpj.exe", "x\r\n Bcc: eve@example.com", "x\v\f\u0085Bcc: eve@example.com",
	}
	bad := 0
	for _, name := range hostile {
		err := sender.Send(t.Context(), mail.Message{
			To: []string{"ada@example.com"}, Subject: name, Text: name, ID: name,
			Attachments: []mail.Attachment{{Name: name, Type: name, Data: []byte(name)}},
		})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got := server.Next(t)
		m := parse(t, got.Data)
		for key := range m.Header {
			if !slices.Contains([]string{"Message-Id", "Auto-Submitted", "Subject", "From", "To", "Date", "Mime-Version", "Content-Type"}, key) {
				bad++
				t.Errorf("%q made the header %s", name, key)
			}
		}
		if !slices.Equal(got.To, []string{"ada@example.com"}) || strings.Contains(strings.ToLower(string(got.Data)), "\nbcc:") && m.Header.Get("Bcc") != "" {
			bad++
			t.Errorf("%q: to %q", name, got.To)
		}
		if strings.Contains(string(got.Data), "\u202e") {
			bad++
			t.Errorf("%q: turns the reading direction", name)
		}
	}
	server.None(t)
	t.Logf("C-04: %d hostile names, %d headers, recipients or mails of their own", len(hostile), bad)
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, address := range []string{
		"", "ada", "Ada <ada@example.com>", "ada@example.com, eve@example.com", "ada@example.com\r\nBcc: eve@example.com", "ada@example.com\n",
		" ada@example.com", `"a b"@example.com`, "ada@[127.0.0.1]", strings.Repeat("a", 250) + "@example.com",
	} {
		if mail.CheckAddress(address) == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	for _, address := range []string{"ada@example.com", "ada+license@mail.example.co.uk", "o'neil@example.com"} {
		if err := mail.CheckAddress(address); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigurationsThatWouldSendAPasswordOpenlyAreRefused(t *testing.T) {
	for _, c := range []mail.Config{
		{Server: "mail.example.com", From: "nobody"},
		{From: "a@example.com"},
		{Server: "mail.example.com:x", From: "a@example.com"},
		{Server: "mail.example.com", From: "a@example.com", Security: "maybe"},
		{Server: "mail.example.com", From: "a@example.com", Password: "x"},
		{Server: "mail.example.com", From: "a@example.com", User: "a", Password: "x", Security: mail.Plaintext},
		{Server: "mail.example.com", From: "a@example.com", CA: "mail.go"},
	} {
		if _, err := mail.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func parse(t *testing.T, data []byte) *netmail.Message {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v: %q", err, data)
	}
	return m
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func decode64(t *testing.T, encoded []byte) []byte {
	t.Helper()
	return readAll(t, base64.NewDecoder(base64.StdEncoding, bytes.NewReader(encoded)))
}
