package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// goFiles parses the Go files below folders of the project: the tests, or all others.
func goFiles(t *testing.T, tests bool, folders ...string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") != tests {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			files[filepath.ToSlash(name)] = file
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatalf("no Go files below %q", folders)
	}
	return files
}

// text returns the value of a string literal, or of several that are added to one.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := text(e.X)
		right, also := text(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

// sentence is as text, with %v for what is added to literals and is none.
func sentence(e ast.Expr) (string, bool) {
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		left, ok := sentence(sum.X)
		right, also := sentence(sum.Y)
		return left + right, ok || also
	}
	if s, ok := text(e); ok {
		return s, true
	}
	return "%v", false
}

// texts returns all string literals of the files, and what they are added up to.
func texts(files map[string]*ast.File) []string {
	var all []string
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if s, ok := sentence(e); ok {
					all = append(all, s)
				}
			}
			return true
		})
	}
	return all
}

// calls calls visit for each call, with the name of the function or method, and the function
// that the call stands in.
func calls(file *ast.File, visit func(in *ast.FuncDecl, name string, call *ast.CallExpr)) {
	for _, d := range file.Decls {
		in, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(in, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f := call.Fun.(type) {
			case *ast.Ident:
				visit(in, f.Name, call)
			case *ast.SelectorExpr:
				visit(in, f.Sel.Name, call)
			}
			return true
		})
	}
}

// programs are the folders that the two programs are built from.
var programs = []string{"collector", "listener", "pkg"}
