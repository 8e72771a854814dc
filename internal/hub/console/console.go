// Package console is the admin console of a hub: pages made on the server,
// for the members of one organisation. It asks the rules for answers and shows
// them; it decides nothing about licenses, accounts or agents.
//
// A page is made in memory and written once it is whole. What an address shows
// stands in the address. Whose data it shows is decided by the session alone.
package console

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed console.css
var styles []byte

// Usage answers what the console shows about an estate.
type Usage interface {
	// Overview answers for the whole estate.
	Overview(ctx context.Context, org int64) (usage.Overview, error)
	// Details answers about one product. A product or a server that the
	// organisation does not have is a fault.NotFound.
	Details(ctx context.Context, org int64, q usage.Question) (usage.Details, error)
	// Dossier answers all of what the following do, of one moment; errors are those
	// of Details.
	Dossier(ctx context.Context, org int64, q usage.Question) (usage.Dossier, error)
	// Week answers when in the week how many are used; errors are those of Details.
	Week(ctx context.Context, org int64, q usage.Question) (usage.Week, error)
	// Moment answers what the use of a product was made of at a second; errors are
	// those of Details.
	Moment(ctx context.Context, org int64, q usage.Question, at time.Time) (usage.Moment, error)
	// Activity answers to whom the licenses of a product are assigned. Errors are
	// those of Details.
	Activity(ctx context.Context, org int64, q usage.Question) (usage.Activity, error)
	// Denials answers who was refused one product; errors are those of Details.
	Denials(ctx context.Context, org int64, q usage.Question) (usage.Denials, error)
	// Checkouts answers who has licenses of one product now; errors are those of
	// Details.
	Checkouts(ctx context.Context, org int64, q usage.Question) (usage.Checkouts, error)
	// Profile answers about one license server; one that the organisation does not
	// have is a fault.NotFound.
	Profile(ctx context.Context, org int64, guid string) (usage.Profile, error)
	// KnownDays answers how much is known of each license server, by its GUID.
	KnownDays(ctx context.Context, org int64) (map[string]usage.Known, error)
	// Servers lists every license server that the organisation has or had, by
	// name.
	Servers(ctx context.Context, org int64) ([]usage.Server, error)
	// Catalog lists the features of all license servers and what they count as.
	Catalog(ctx context.Context, org int64) ([]usage.CatalogRow, error)
}

// Registrations admits agents and turns them away; see registration.Registrar.
type Registrations interface {
	Review(ctx context.Context, actor audit.Actor, code string) (registration.Review, error)
	Approve(ctx context.Context, actor audit.Actor, code string) error
	Refuse(ctx context.Context, actor audit.Actor, code string) error
	Withdraw(ctx context.Context, actor audit.Actor, id string) error
	Standing(ctx context.Context, org int64) ([]registration.Standing, error)
	List(ctx context.Context, org int64) ([]registration.Agent, error)
	Pending(ctx context.Context, org int64) ([]registration.PendingServer, error)
	ApproveServer(ctx context.Context, actor audit.Actor, guid string) error
	AskUpload(ctx context.Context, actor audit.Actor, guid string) error
	Acknowledge(ctx context.Context, actor audit.Actor, guid string) error
	SetPlace(ctx context.Context, actor audit.Actor, guid string, p registration.Place) error
	Remove(ctx context.Context, actor audit.Actor, agent int64) error
}

// Accounts answers who may sign in; see account.Service.
type Accounts interface {
	CheckSetup(ctx context.Context, token string) error
	Setup(ctx context.Context, token string, f account.Founding) (account.Member, error)
	Login(ctx context.Context, email, password, address string) (account.Member, error)
	LoginCode(ctx context.Context, org, member int64, code, address string) (account.Member, error)
	Prove(ctx context.Context, m account.Member, password, code, address string) error
	ProveCode(ctx context.Context, m account.Member, code string) error
	Factor(ctx context.Context, m account.Member) (account.Factor, error)
	BeginFactor(ctx context.Context, m account.Member) error
	Enrolment(ctx context.Context, m account.Member) (account.Enrolment, error)
	ConfirmFactor(ctx context.Context, m account.Member, here int64, code, address string) (recovery []string, err error)
	NewRecovery(ctx context.Context, m account.Member, code, address string) (recovery []string, err error)
	RemoveFactor(ctx context.Context, m account.Member, code, address string) error
	ResetFactor(ctx context.Context, actor audit.Actor, member int64) error
	Provider(ctx context.Context, org int64) (account.Provider, error)
	CountTry(ctx context.Context, address string) error
	ProviderFor(ctx context.Context, publicID string) (org int64, p account.Provider, err error)
	Link(ctx context.Context, m account.Member, who account.Person, address string) error
	SoleProvider(ctx context.Context) (account.Provider, error)
	ProviderSecret(org int64, p account.Provider) (string, error)
	SetProvider(ctx context.Context, actor audit.Actor, p account.Provider, secret string) error
	RemoveProvider(ctx context.Context, actor audit.Actor) error
	Enter(ctx context.Context, org int64, who account.Person, address string) (account.Member, error)
	WantCodes(ctx context.Context, actor audit.Actor, want bool) error
	Organisation(ctx context.Context, org int64) (account.Organisation, error)
	Change(ctx context.Context, actor audit.Actor, from *account.Settings, to account.Settings) error

	Members(ctx context.Context, org int64) ([]account.Membership, error)
	SetRole(ctx context.Context, actor audit.Actor, member int64, role account.Role) error
	RemoveMember(ctx context.Context, actor audit.Actor, member int64) error
	ChangePassword(ctx context.Context, m account.Member, old, password, address string, keep int64) error
	SignIns(ctx context.Context, m account.Member) ([]account.SignIn, error)
	EndSignIn(ctx context.Context, m account.Member, id int64, address string) error

	Tokens(ctx context.Context, org int64) ([]account.Token, error)
	MakeToken(ctx context.Context, actor audit.Actor, name string, role account.Role, days int) (token string, err error)
	MakeErasing(ctx context.Context, actor audit.Actor, name string, days int) (token string, err error)
	RevokeToken(ctx context.Context, actor audit.Actor, id int64) error

	Invitations(ctx context.Context, org int64) ([]account.Invitation, error)
	Invite(ctx context.Context, actor audit.Actor, email string, role account.Role) (token string, err error)
	Uninvite(ctx context.Context, actor audit.Actor, id int64) error
	Invitation(ctx context.Context, token string) (account.Invitation, error)
	Accept(ctx context.Context, token, name, password, address string) (account.Member, error)
}

// Erasure deletes usage data; see erasure.Service.
type Erasure interface {
	Delete(ctx context.Context, actor audit.Actor, guid string, proved time.Time) error
	Erasing(ctx context.Context) (time.Time, error)
}

// A Config is what a console needs. All fields must be set, except those that
// say otherwise.
type Config struct {
	Usage         Usage
	Registrations Registrations
	Accounts      Accounts
	Providers     Providers
	Audit         Audit
	Erasure       Erasure
	Catalog       Catalog
	Sessions      *account.Sessions
	Now           func() time.Time
	Log           *slog.Logger
	HubURL        string   // under which agents reach this hub; empty: not shown
	Version       string   // of the program; may be empty
	Demo          bool     // every page says that its data are made up
	Styles        [][]byte // of pages that others serve; may be empty
	// Guest, if set, returns the member as whom whoever has not signed in is let
	// in; its zero value is nobody. It is for the demo, where there is nothing
	// to protect.
	Guest func() account.Member
}

// A Console serves the pages.
type Console struct {
	Config
	assets *look.Assets
	pages  pages
}

// pages are the kinds of page that there are.
type pages struct {
	setup         look.Page[setupPage]
	login         look.Page[loginPage]
	code          look.Page[codePage]
	factor        look.Page[factorPage]
	signin        look.Page[signinPage]
	usage         look.Page[usagePage]
	details       look.Page[detailsPage]
	week          look.Page[weekPage]
	moment        look.Page[momentPage]
	servers       look.Page[serversPage]
	server        look.Page[serverPage]
	erase         look.Page[erasePage]
	bench         look.Page[benchPage]
	registrations look.Page[registrationsPage]
	register      look.Page[registerPage]
	review        look.Page[reviewPage]
	audit         look.Page[auditPage]
	account       look.Page[accountPage]
	members       look.Page[membersPage]
	organisation  look.Page[organisationPage]
	invite        look.Page[invitePage]
	catalog       look.Page[catalogPage]
	feature       look.Page[featurePage]
	tokens        look.Page[tokensPage]
	failure       look.Page[failurePage]
	kit           look.Page[kitPage]
}

// New returns a console. It fails only if the files within the program do not
// fit together.
func New(c Config) (*Console, error) {
	assets, err := look.NewAssets(append([][]byte{styles}, c.Styles...)...)
	if err != nil {
		return nil, err
	}
	p, err := newPages(assets)
	return &Console{Config: c, assets: assets, pages: p}, err
}

// Assets are the files that every page of the hub loads.
func (c *Console) Assets() *look.Assets { return c.assets }

func newPages(a *look.Assets) (p pages, err error) {
	read(a, &p.setup, &err, "setup")
	read(a, &p.login, &err, "login")
	read(a, &p.code, &err, "code")
	read(a, &p.factor, &err, "factor", "settings")
	read(a, &p.signin, &err, "signin", "settings")
	read(a, &p.usage, &err, "usage", "product")
	read(a, &p.details, &err, "details", "product", "checkouts", "choice", "files")
	read(a, &p.week, &err, "week", "choice")
	read(a, &p.moment, &err, "moment")
	read(a, &p.servers, &err, "servers")
	read(a, &p.server, &err, "server")
	read(a, &p.erase, &err, "erase")
	read(a, &p.bench, &err, "bench")
	read(a, &p.registrations, &err, "registrations")
	read(a, &p.register, &err, "register")
	read(a, &p.review, &err, "review")
	read(a, &p.audit, &err, "audit")
	read(a, &p.account, &err, "account", "settings")
	read(a, &p.members, &err, "members", "settings")
	read(a, &p.organisation, &err, "organisation", "settings")
	read(a, &p.invite, &err, "invite")
	read(a, &p.catalog, &err, "catalog", "settings")
	read(a, &p.feature, &err, "feature", "settings")
	read(a, &p.tokens, &err, "tokens", "settings")
	read(a, &p.failure, &err, "failure")
	read(a, &p.kit, &err, "kit", "product")
	return p, err
}

// read reads a page's templates, unless an earlier page failed.
func read[T any](a *look.Assets, page *look.Page[T], err *error, names ...string) {
	if *err != nil {
		return
	}
	for i, name := range names {
		names[i] = "templates/" + name + ".html"
	}
	*page, *err = look.NewPage[T](a, templates, names...)
}

// A route is one address of the console.
type route struct {
	pattern string
	least   account.Role // that a member must have; empty: nobody needs to be signed in
	handle  func(http.ResponseWriter, *http.Request, visit) error
}

// routes are all addresses of the console.
func (c *Console) routes() []route {
	return slices.Concat(c.pageRoutes(), c.fileRoutes())
}

// fileRoutes are those of tables as files.
func (c *Console) fileRoutes() []route {
	return slices.Concat(
		tableFiles("GET /usage/{product}/trend", account.Viewer, c.getTrendFile),
		tableFiles("GET /usage/{product}/week", account.Viewer, c.getWeekFile),
		tableFiles("GET /usage/{product}/servers", account.Viewer, c.getServersFile),
		tableFiles("GET /usage/{product}/checkouts", account.Viewer, c.getCheckoutsFile),
		tableFiles("GET /usage/{product}/activity", account.Viewer, c.getActivityFile),
		tableFiles("GET /usage/{product}/denials", account.Viewer, c.getDenialsFile),
		tableFiles("GET /audit/log", account.Admin, c.getAuditFile),
	)
}

func (c *Console) pageRoutes() []route {
	return []route{
		{"GET /setup/{token}", "", c.getSetup},
		{"POST /setup/{token}", "", c.postSetup},
		{"GET /invite/{token}", "", c.getAccept},
		{"POST /invite/{token}", "", c.postAccept},
		{"GET /login", "", c.getLogin},
		{"POST /login", "", c.postLogin},
		{"GET " + withPath, "", c.getWith},
		{"GET " + withPath + "/{org}", "", c.getWith},
		{"GET " + CallbackPath, "", c.getCallback},
		{"GET /login/code", "", c.getCode},
		{"POST /login/code", "", c.postCode},
		{"POST /logout", "", c.postLogout},

		{"GET /{$}", account.Viewer, c.getUsage},
		{"GET /usage/{product}", account.Viewer, c.getDetails},
		{"GET /usage/{product}/at", account.Viewer, c.getMoment},
		{"GET /usage/{product}/week", account.Viewer, c.getWeek},
		{"GET /servers", account.Viewer, c.getServers},
		{"GET /servers/{guid}", account.Viewer, c.getServer},
		{"POST /servers/{guid}/place", account.Operator, c.postPlace},
		{"POST /servers/{guid}/update", account.Operator, c.postUpdate},
		{"POST /servers/{guid}/acknowledge", account.Admin, c.postAcknowledge},
		{"GET /servers/delete", account.Admin, c.getErase},
		{"POST /servers/delete", account.Admin, c.postErase},
		{"GET /bench", account.Viewer, c.getBench},
		{"POST /bench", account.Viewer, c.postBench},
		{"POST /bench/redacted", account.Viewer, c.postBenchRedacted},

		{"GET /registrations", account.Viewer, c.getRegistrations},
		{"GET /registrations/register", account.Operator, c.getRegister},
		{"POST /registrations/review", account.Operator, c.postReview},
		{"POST /registrations/approve", account.Operator, c.postApprove},
		{"POST /registrations/refuse", account.Operator, c.postRefuse},
		{"POST /registrations/{id}/withdraw", account.Operator, c.postWithdraw},
		{"POST /registrations/servers/{guid}/approve", account.Operator, c.postApproveServer},
		{"POST /registrations/agents/{agent}/remove", account.Admin, c.postRemove},

		{"GET /audit", account.Admin, c.getAudit},

		{"GET /settings", account.Viewer, c.getAccount},
		{"POST /settings/password", account.Viewer, c.postPassword},
		{"POST /settings/sessions/{id}/end", account.Viewer, c.postEndSignIn},
		{"GET /settings/factor", account.Viewer, c.getFactor},
		{"POST /settings/factor", account.Viewer, c.postFactor},
		{"POST /settings/factor/begin", account.Viewer, c.postBeginFactor},
		{"POST /settings/factor/recovery", account.Viewer, c.postRecovery},
		{"POST /settings/factor/remove", account.Viewer, c.postRemoveFactor},
		{"GET /settings/signin", account.Admin, c.getSignin},
		{"POST /settings/signin/codes", account.Admin, c.postWantCodes},
		{"POST /settings/signin/provider", account.Admin, c.postProvider},
		{"POST /settings/signin/provider/remove", account.Admin, c.postRemoveProvider},
		{"GET /settings/organisation", account.Admin, c.getOrganisation},
		{"POST /settings/organisation", account.Admin, c.postOrganisation},
		{"GET /settings/members", account.Admin, c.getMembers},
		{"POST /settings/members/invite", account.Admin, c.postInvite},
		{"POST /settings/members/{id}/role", account.Admin, c.postRole},
		{"POST /settings/members/{id}/factor", account.Admin, c.postResetFactor},
		{"POST /settings/members/{id}/remove", account.Admin, c.postRemoveMember},
		{"POST /settings/invitations/{id}/withdraw", account.Admin, c.postUninvite},
		{"GET /settings/catalog", account.Admin, c.getCatalog},
		{"GET /settings/catalog/{key}", account.Admin, c.getFeature},
		{"POST /settings/catalog/{key}", account.Admin, c.postFeature},
		{"POST /settings/catalog/{key}/reset", account.Admin, c.postResetFeature},
		{"GET /settings/tokens", account.Admin, c.getTokens},
		{"POST /settings/tokens", account.Admin, c.postToken},
		{"POST /settings/tokens/{id}/revoke", account.Admin, c.postRevokeToken},

		{"GET /ui/kit", account.Viewer, c.getKit},
		{"/", "", c.notFound},
	}
}

// Handler returns the console: its pages, and the files that they load below
// look.AssetPath.
func (c *Console) Handler() http.Handler {
	pages := http.NewServeMux()
	for _, r := range c.routes() {
		pages.Handle(r.pattern, c.page(r))
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+look.AssetPath, c.assets)
	loaded := c.Sessions.LoadAndSave(pages)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		loaded.ServeHTTP(w, r)
		_, r.Pattern = pages.Handler(r) // the session was loaded into another request than the one that came
	})
	guarded := http.NewCrossOriginProtection()
	guarded.SetDenyHandler(http.HandlerFunc(c.foreign))
	return look.Secure(guarded.Handler(mux))
}
