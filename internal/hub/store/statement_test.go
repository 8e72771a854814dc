package store_test

import (
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"headroom/internal/hub/store/storetest"
)

// partial is how many statements of the package are put together at run time.
// These tests cannot see them whole; write statements as one text.
const partial = 2

// statements returns every SQL statement of the package with its place.
func statements(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	consts := map[string]ast.Expr{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					consts[name.Name] = v.Values[i]
				}
			}
			return true
		})
	}
	all, parts := map[string]string{}, 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, whole := textOf(e, consts)
			if !verb.MatchString(text) {
				return true
			}
			if whole {
				all[text] = set.Position(n.Pos()).String()
			} else {
				parts++
			}
			return false // its parts are no statements of their own
		})
	}
	if len(all) < 30 || parts > partial {
		t.Fatalf("%d whole statements and %d partial ones, want at least 30 and at most %d: this test does not see them", len(all), parts, partial)
	}
	return all
}

var verb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\s`)

// textOf returns the string that an expression stands for; whole is false
// where a part of it is known at run time only.
func textOf(e ast.Expr, consts map[string]ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.Ident:
		if value, ok := consts[e.Name]; ok {
			return textOf(value, consts)
		}
	case *ast.BinaryExpr:
		left, ok := textOf(e.X, consts)
		right, also := textOf(e.Y, consts)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

// enginesOwn matches statements that one engine is asked only.
var enginesOwn = regexp.MustCompile(`sqlite_version|pragma_page_count|current_schema|current_database`)

func TestEveryStatementIsUnderstoodByBothEngines(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		storetest.Open(t, dsn)
		db := storetest.Raw(t, dsn)
		for text, place := range statements(t) {
			if enginesOwn.MatchString(text) {
				continue
			}
			if err := prepare(db, text); err != nil {
				t.Errorf("%s: %v\n%s", place, err, text)
			}
		}
	})
}

func prepare(db *sql.DB, text string) error {
	s, err := db.Prepare(text)
	if err != nil {
		return err
	}
	defer s.Close()
	return nil
}

// A statement about what belongs to organisations says whose it means. The
// list of organisations itself is nobody's.
func TestEveryStatementNamesItsOrganisation(t *testing.T) {
	dsn := storetest.SQLite(t)
	storetest.Open(t, dsn)
	rows, err := storetest.Raw(t, dsn).Query(`
		SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.name = 'org_id' AND m.name <> 'organisation'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := statements(t)
	tables := 0
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables++
		uses := regexp.MustCompile(`(FROM|JOIN|INTO|UPDATE)\s+` + table + `\b`)
		for text, place := range all {
			if uses.MatchString(text) && !strings.Contains(text, "org_id") {
				t.Errorf("%s: does not say whose %s it means:\n%s", place, table, text)
			}
		}
	}
	if err := rows.Err(); err != nil || tables < 10 {
		t.Fatalf("%d tables of organisations, %v", tables, err)
	}
}

// SQLite has to look for what a statement says, and not walk through all days
// of an organisation: the tables are as large as its history.
func TestStatementsAboutDaysUseAnIndexOfDays(t *testing.T) {
	dsn := storetest.SQLite(t)
	storetest.Open(t, dsn)
	db := storetest.Raw(t, dsn)
	uses := regexp.MustCompile(`FROM (block|pack)\b[^;]*?(day|number) (=|<|>)`)
	checked := 0
	for text, place := range statements(t) {
		named := uses.FindStringSubmatch(text)
		if named == nil {
			continue
		}
		checked++
		if how := plan(t, db, text); !regexp.MustCompile(`SEARCH (\w+) .*\b` + named[2] + `[=<>]`).MatchString(how) {
			t.Errorf("%s: %q does not look up the %s:\n%s", place, how, named[2], text)
		}
	}
	if checked < 8 {
		t.Errorf("%d statements about days, want at least 8: this test does not see them", checked)
	}
}

func plan(t *testing.T, db *sql.DB, statement string) (how string) {
	t.Helper()
	args := make([]any, strings.Count(statement, "$"))
	for i := range args {
		args[i] = 1
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatalf("%v:\n%s", err, statement)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		how += detail + "; "
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return how
}
