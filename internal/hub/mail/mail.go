// Package mail sends mails through an organisation's mail server (SMTP), each at most
// to a few recipients: alerts, scheduled reports. It encrypts by STARTTLS, or from the
// first byte on, and refuses a server whose certificate is not right, unless whoever
// runs the hub has said otherwise.
//
// Subjects, texts and names of attachments may have come from license servers, and so
// from anybody. Nothing of them becomes a header, a recipient or a line of SMTP.
package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// A Security says how the way to the mail server is encrypted.
type Security string

// The ways.
const (
	STARTTLS  Security = "starttls" // the default: a server that does not offer it is refused
	TLS       Security = "tls"      // from the first byte on
	Plaintext Security = "none"     // for a server on this machine; a password is not sent then
)

// Config says which mail server is used, and how.
type Config struct {
	Server   string   // host, or host:port; port 587, or 465 with TLS, if none is named
	From     string   // the sender, as "Headroom <headroom@example.com>" or the address alone
	User     string   // empty: no sign-in
	Password string   // needs User
	CA       string   // file of certificates in PEM that are trusted instead of the system's; empty: the system's
	Security Security // empty: STARTTLS
	Hello    string   // how the hub introduces itself; empty: by the host's name
}

// A Message is a mail.
type Message struct {
	To      []string // addresses, without names
	Subject string
	Text    string // plain text
	// ID is the same each time that the same mail is sent, so that one that is sent
	// twice after a failure is shown once by most programs; empty: a random one.
	ID          string
	Attachments []Attachment
}

// An Attachment is a file of a message.
type Attachment struct {
	Name string // what it is called
	Type string // "application/pdf"; empty: application/octet-stream
	Data []byte
}

// Limits of a message.
const (
	MaxRecipients = 50
	maxSubject    = 200     // characters
	maxText       = 1 << 20 // bytes
	maxName       = 100     // characters
	sendTime      = time.Minute
)

// A Server sends mails. It may be used from many goroutines.
type Server struct {
	from    *netmail.Address
	host    string
	options []gomail.Option
}

// New checks a configuration and reads its files. It does not connect.
func New(c Config) (*Server, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("the sender of mails, %q: %w", c.From, err)
	}
	s := &Server{from: from}
	security := cmp.Or(c.Security, STARTTLS)
	port := map[Security]int{STARTTLS: 587, TLS: 465, Plaintext: 25}[security]
	if port == 0 {
		return nil, fmt.Errorf("%q is no way to encrypt mails: use %s, %s or %s", security, STARTTLS, TLS, Plaintext)
	}
	if s.host = c.Server; strings.Contains(c.Server, ":") {
		host, text, err := net.SplitHostPort(c.Server)
		if err != nil {
			return nil, fmt.Errorf("the mail server %q: %w", c.Server, err)
		}
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("the mail server %q: %q is no port", c.Server, text)
		}
		s.host = host
	}
	if s.host == "" {
		return nil, errors.New("there is no mail server")
	}
	trust := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	if trust.RootCAs, err = readCA(c.CA); err != nil {
		return nil, err
	}
	s.options = []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(sendTime), gomail.WithTLSConfig(trust)}
	switch security {
	case STARTTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS:
		s.options = append(s.options, gomail.WithSSL())
	case Plaintext:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if c.Hello != "" {
		s.options = append(s.options, gomail.WithHELO(c.Hello))
	}
	switch {
	case c.User == "" && c.Password != "":
		return nil, errors.New("a password for the mail server needs a user")
	case c.User != "" && security == Plaintext:
		return nil, errors.New("a password is not sent to a mail server without encryption")
	case c.User != "":
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.User), gomail.WithPassword(c.Password))
	}
	return s, nil
}

func readCA(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of the mail server: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in %s", path)
	}
	return pool, nil
}

// Send sends a mail. When it returns without an error the server has taken it for all
// recipients.
func (s *Server) Send(ctx context.Context, m Message) error {
	msg, err := s.message(m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("send a mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("send a mail by %s: %w", client.ServerAddr(), err)
	}
	return nil
}

// message writes a mail down.
func (s *Server) message(m Message) (*gomail.Msg, error) {
	if len(m.To) == 0 || len(m.To) > MaxRecipients {
		return nil, fmt.Errorf("a mail has 1 to %d recipients, not %d", MaxRecipients, len(m.To))
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	for _, to := range m.To {
		if err := CheckAddress(to); err != nil {
			return nil, err
		}
		msg.AddToMailAddress(&netmail.Address{Address: to})
	}
	msg.Subject(line(m.Subject, maxSubject))
	msg.SetDate()
	if m.ID != "" {
		_, domain, _ := strings.Cut(s.from.Address, "@")
		msg.SetMessageIDWithValue(idText(m.ID) + "@" + domain)
	}
	// An automatic answer, such as that somebody is away, is of no use.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, text(m.Text))
	for _, a := range m.Attachments {
		name := strings.NewReplacer(`"`, "'", `\`, "_", "/", "_").Replace(line(a.Name, maxName))
		kind := gomail.ContentType(cmp.Or(line(a.Type, maxName), string(gomail.TypeAppOctetStream)))
		if err := msg.AttachReader(name, bytes.NewReader(a.Data), gomail.WithFileContentType(kind)); err != nil {
			return nil, fmt.Errorf("attach %s: %w", name, err)
		}
	}
	return msg, nil
}

// CheckAddress says what is wrong with the address of a recipient.
func CheckAddress(address string) error {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > 254 || strings.ContainsFunc(address, unsafeInAddress) {
		return fmt.Errorf("%.80q is no address of a mail box", address)
	}
	return nil
}

func unsafeInAddress(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`"<>(),;:\[]`, r)
}

// line makes one line of a text: what would end it, or is not to be seen, becomes a
// space.
func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}

// text keeps the lines of a text, and no other control character.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "\n", "\r\n")
}

// idText keeps of an id what may stand in a header.
func idText(id string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '.') {
			return r
		}
		return '-'
	}, id)
}
