package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/oidc"
	"headroom/internal/look"
)

// Providers are where people have accounts elsewhere; see oidc.Client.
type Providers interface {
	Begin(ctx context.Context, p oidc.Provider) (address string, try oidc.Try, err error)
	Finish(ctx context.Context, p oidc.Provider, try oidc.Try, answer url.Values) (oidc.Person, error)
	Check(ctx context.Context, p oidc.Provider) error
}

// CallbackPath is where a provider sends people back to.
const CallbackPath = "/login/callback"

// withPath is where the way to a provider begins; a public id of an organisation may
// follow.
const withPath = "/login/with"

// tryTime is how long somebody may stay at the provider.
const tryTime = 10 * time.Minute

// The session's keys while somebody is at a provider.
const (
	keyTryOrg      = "try-org" // public id; empty: the only organisation
	keyTryIssuer   = "try-issuer"
	keyTryState    = "try-state"
	keyTryNonce    = "try-nonce"
	keyTryVerifier = "try-verifier"
	keyTryNext     = "try-next"
	keyTryAt       = "try-at"
)

// provider returns the provider of an organisation with its secret.
func (c *Console) provider(r *http.Request, publicID string) (org int64, p oidc.Provider, err error) {
	org, set, err := c.Accounts.ProviderFor(r.Context(), publicID)
	if err != nil {
		return 0, p, err
	}
	secret, err := c.Accounts.ProviderSecret(org, set)
	return org, oidc.Provider{Issuer: set.Issuer, ClientID: set.ClientID, Secret: secret}, err
}

// getWith sends the browser to the provider. It is a link and no form: a page may send
// its forms to this hub only.
func (c *Console) getWith(w http.ResponseWriter, r *http.Request, v visit) error {
	publicID := r.PathValue("org")
	if err := c.Accounts.CountTry(r.Context(), v.address); err != nil {
		return err
	}
	_, p, err := c.provider(r, publicID)
	if err != nil {
		return err
	}
	address, try, err := c.Providers.Begin(r.Context(), p)
	if err != nil {
		c.Log.Warn("sign-in provider could not be asked", "issuer", p.Issuer, "err", err)
		return err
	}
	for key, value := range map[string]string{
		keyTryOrg: publicID, keyTryIssuer: try.Issuer, keyTryState: try.State, keyTryNonce: try.Nonce, keyTryVerifier: try.Verifier, keyTryNext: localPath(r.URL.Query().Get("next")),
	} {
		c.Sessions.Put(r.Context(), key, value)
	}
	c.Sessions.Put(r.Context(), keyTryAt, c.Now().UnixMilli())
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// getCallback takes who comes back from a provider. A way there and back works once.
func (c *Console) getCallback(w http.ResponseWriter, r *http.Request, v visit) error {
	pop := func(key string) string { return c.Sessions.PopString(r.Context(), key) }
	publicID, next := pop(keyTryOrg), pop(keyTryNext)
	try := oidc.Try{Issuer: pop(keyTryIssuer), State: pop(keyTryState), Nonce: pop(keyTryNonce), Verifier: pop(keyTryVerifier)}
	age := c.Now().Sub(time.UnixMilli(c.Sessions.GetInt64(r.Context(), keyTryAt)))
	c.Sessions.Remove(r.Context(), keyTryAt)
	if try.State == "" || age < 0 || age > tryTime {
		return fault.Errorf(fault.Forbidden, "no sign-in was begun in this browser, or too long ago; begin again")
	}
	org, p, err := c.provider(r, publicID)
	if err != nil {
		return err
	}
	who, err := c.Providers.Finish(r.Context(), p, try, r.URL.Query())
	if err != nil {
		c.Log.Warn("nobody was signed in by a provider", "issuer", p.Issuer, "err", err)
		return err
	}
	m, err := c.Accounts.Enter(r.Context(), org, account.Person(who), v.address)
	if half, ok := errors.AsType[*account.NeedsPassword](err); ok {
		if err := c.Sessions.AwaitLink(r.Context(), half.Member, account.Person(who)); err != nil {
			return err
		}
		http.Redirect(w, r, "/login?"+url.Values{"next": {localPath(next)}}.Encode(), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.Sessions.SignIn(r.Context(), m, v.address, r.UserAgent()); err != nil {
		return err
	}
	c.Sessions.SetElsewhere(r.Context())
	http.Redirect(w, r, localPath(next), http.StatusSeeOther)
	return nil
}

// signIn makes m the session's member, who has shown his password and whatever else he
// needs, and joins him with the account at the provider that waits for that.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request, v visit, m account.Member, next string) error {
	if err := c.Sessions.SignIn(r.Context(), m, v.address, r.UserAgent()); err != nil {
		return err
	}
	if who, ok := c.Sessions.TakeLink(r.Context(), m); ok {
		if err := c.Accounts.Link(r.Context(), m, who, v.address); err != nil {
			return err
		}
		c.tell(r, look.Good, "From now on "+who.Issuer+" signs you in without your password.")
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// providerTexts are what somebody typed.
type providerTexts struct{ name, issuer, client, domains, newcomers string }

// A providerForm sets the provider of an organisation.
type providerForm struct {
	On                                    bool
	Error                                 string
	Name, Issuer, Client, Secret, Domains look.Field
	Roles                                 []roleView
	Chosen                                account.Role
	Callback, Link                        string // what the provider has to know, and where members begin
}

func newProviderForm(hub, publicID string, set account.Provider, typed providerTexts, problem string) providerForm {
	f := providerForm{
		On: set.On(), Error: problem, Roles: roleViews, Chosen: account.Role(typed.newcomers), Callback: hub + CallbackPath, Link: hub + withPath + "/" + publicID,
		Name:   look.Field{Name: "name", Label: "Name", Value: typed.name, Max: 100, Complete: "off", Hint: "As the button calls it, for example Example SSO."},
		Issuer: look.Field{Name: "issuer", Label: "Issuer", Value: typed.issuer, Max: 500, Complete: "off", Hint: "As the provider writes it: https://login.example.com/realms/main"},
		Client: look.Field{Name: "client", Label: "Client id", Value: typed.client, Max: 500, Complete: "off"},
		Secret: look.Field{Name: "secret", Label: "Client secret", Type: "password", Complete: "off", Optional: true, Hint: "Of a client that has one."},
		Domains: look.Field{
			Name: "domains", Label: "Mail domains of newcomers", Value: typed.domains, Max: 2000, Complete: "off", Optional: true,
			Hint: "Whoever has an address in one of them becomes a member at the first sign-in. Empty: only who is invited.",
		},
	}
	if set.Sealed != "" {
		f.Secret.Hint = "Empty: the one that is set stays, while issuer and client id stay."
	}
	if f.Chosen == "" {
		f.Chosen = account.Viewer
	}
	return f
}

func textsOf(p account.Provider) providerTexts {
	return providerTexts{p.Name, p.Issuer, p.ClientID, strings.Join(p.Domains, ", "), string(p.Newcomers)}
}

// postProvider sets the provider. Whom it names is let in, so who asks has signed in
// just now: a session that was left open is not enough.
func (c *Console) postProvider(w http.ResponseWriter, r *http.Request, v visit) error {
	typed := providerTexts{r.PostFormValue("name"), strings.TrimSpace(r.PostFormValue("issuer")), r.PostFormValue("client"), r.PostFormValue("domains"), r.PostFormValue("newcomers")}
	p := account.Provider{
		Name: typed.name, Issuer: typed.issuer, ClientID: typed.client, Newcomers: account.Role(typed.newcomers),
		Domains: strings.FieldsFunc(typed.domains, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '\n' || r == '\r' }),
	}
	err := c.mustBeFresh(r, v)
	if err == nil && !oidc.Safe(p.Issuer) {
		err = fault.Errorf(fault.Invalid, "the issuer is an https address, as the provider writes it")
	}
	if err == nil {
		err = c.Accounts.SetProvider(r.Context(), v.actor(), p, r.PostFormValue("secret"))
	}
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		return c.showSignin(w, r, v, statuses[kind], &typed, look.Sentence(fault.Message(err)))
	}
	if err != nil {
		return err
	}
	if err := c.Providers.Check(r.Context(), oidc.Provider{Issuer: p.Issuer}); err != nil {
		c.Log.Warn("sign-in provider could not be asked", "issuer", p.Issuer, "err", err)
		c.tell(r, look.Warn, "The provider is saved, and does not answer as one does: "+oidc.Why(err))
	} else {
		c.tell(r, look.Good, "The provider is saved, and answers.")
	}
	http.Redirect(w, r, "/settings/signin", http.StatusSeeOther)
	return nil
}

func (c *Console) postRemoveProvider(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.mustBeFresh(r, v); err != nil {
		return c.showSignin(w, r, v, http.StatusConflict, nil, look.Sentence(fault.Message(err)))
	}
	if err := c.Accounts.RemoveProvider(r.Context(), v.actor()); err != nil {
		return err
	}
	c.tell(r, look.Info, "Members sign in with their passwords now.")
	http.Redirect(w, r, "/settings/signin", http.StatusSeeOther)
	return nil
}
