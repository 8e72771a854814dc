package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	root     = ".." // of the module, seen from this folder
	internal = "headroom/internal/"
)

// A source is one Go file of the module.
type source struct {
	path string // from the root of the module
	pkg  string // the package's folder, without "internal/"
	test bool
	file *ast.File
	set  *token.FileSet
	ours []string // what it imports of ours, without "headroom/internal/"
}

// at shows the place of a node as file and line.
func (s source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// nameOf returns the name under which the file uses the package of the
// standard library at path, or "" if it does not import it.
func (s source) nameOf(path string) string {
	for _, spec := range s.file.Imports {
		if got, _ := strconv.Unquote(spec.Path.Value); got != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

// sources reads every Go file of the module. It reads them itself rather than
// asking go list: go test then knows what was read and runs the test again
// when an import changes.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && notOfModule(path, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		s, err := parse(path)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// notOfModule reports whether a folder is none of the module's, by the rules
// of the go command: a module of its own, testdata, or hidden.
func notOfModule(path, name string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// parse reads one file.
func parse(path string) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{
		path: strings.TrimPrefix(filepath.ToSlash(path), "../"),
		test: strings.HasSuffix(path, "_test.go"),
		file: file,
		set:  set,
	}
	s.pkg = strings.TrimPrefix(strings.TrimSuffix(s.path, "/"+filepath.Base(path)), "internal/")
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if name, ours := strings.CutPrefix(imported, internal); ours {
			s.ours = append(s.ours, name)
		}
	}
	return s, nil
}
