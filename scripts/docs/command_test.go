package docs

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"spot-ingest/pkg/cli"
)

// optionPattern finds the names at the beginning of a line of the help, as in "  -c , --config-file".
var optionPattern = regexp.MustCompile(`(?m)^  (?:(-\w)[^\n]*?, )?(--[a-z-]+)`)

// Every option of the help is in the table of its program, and the other way round.
func TestOptions(t *testing.T) {
	for heading, parser := range map[string]*cli.Parser{
		"## The collector": cli.Collector(&cli.CollectorArgs{}, cli.Hooks{}),
		"## The listener":  cli.Listener(&cli.ListenerArgs{}, cli.Hooks{}),
	} {
		help := parser.Parse([]string{"--help"})
		if help == nil || help.Code != 0 {
			t.Fatalf("%s: got %+v", heading, help)
		}
		real, documented := set{}, set{}
		for _, found := range optionPattern.FindAllStringSubmatch(help.Text, -1) {
			for _, name := range found[1:] {
				if name != "" {
					real[name] = true
				}
			}
		}
		for _, row := range readPage(t, "README.md").section(t, heading).rows(t, "option") {
			for _, option := range code(row[0]) {
				documented[strings.Fields(option)[0]] = true
			}
		}
		compare(t, heading[3:]+": option", documented, real)
	}
}

// The table of exit codes has those that the programs end with, and no others.
func TestExitCodes(t *testing.T) {
	real := set{}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.INT {
			real[lit.Value] = true
		}
	}
	for _, file := range goFiles(t, false, programs...) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec: // exitOK = 0
				for i, name := range n.Names {
					if strings.HasPrefix(name.Name, "exit") && i < len(n.Values) {
						add(n.Values[i])
					}
				}
			case *ast.CompositeLit: // Exit{Code: 2}
				if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Exit" {
					for _, e := range n.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Code" {
							add(kv.Value)
						}
					}
				}
			case *ast.FuncDecl: // spark.Exit
				if n.Name.Name == "Exit" {
					ast.Inspect(n, func(n ast.Node) bool {
						if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
							add(r.Results[0])
						}
						return true
					})
				}
			}
			return true
		})
		calls(file, func(_ *ast.FuncDecl, name string, call *ast.CallExpr) { // os.Exit(1)
			if name == "Exit" && len(call.Args) == 1 {
				add(call.Args[0])
			}
		})
	}
	documented := set{}
	for _, row := range readPage(t, "README.md").section(t, "## Exit codes").rows(t, "code") {
		documented[row[0]] = true
	}
	compare(t, "exit code", documented, real)
}

// variable finds a variable of the environment, and a setting of /etc/spot.conf, where they
// are read.
var (
	variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	getters  = setOf("Getenv", "LookupEnv", "env")
)

// The variables that the programs look at are those of the table.
func TestEnvironment(t *testing.T) {
	real := set{}
	for name, file := range goFiles(t, false, programs...) {
		if strings.Contains(name, "hdfstest/") {
			continue
		}
		calls(file, func(in *ast.FuncDecl, called string, call *ast.CallExpr) {
			if !getters[called] || len(call.Args) != 1 {
				return
			}
			if name, ok := text(call.Args[0]); ok {
				real[name] = true
				return
			}
			// A loop over names.
			ast.Inspect(in, func(n ast.Node) bool {
				if list, ok := n.(*ast.CompositeLit); ok {
					for _, e := range list.Elts {
						if name, ok := text(e); ok && variable.MatchString(name) {
							real[name] = true
						}
					}
				}
				return true
			})
		})
	}
	documented := set{}
	for _, row := range readPage(t, "README.md").section(t, "### Environment").rows(t, "variable") {
		for _, name := range code(row[0]) {
			documented[name] = true
		}
	}
	compare(t, "variable", documented, real)
}

// So are the settings of /etc/spot.conf.
func TestSpotConf(t *testing.T) {
	real := set{}
	for _, file := range goFiles(t, false, programs...) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IndexExpr:
				if of, ok := n.X.(*ast.Ident); ok && of.Name == "settings" {
					if name, ok := text(n.Index); ok {
						real[name] = true
					}
				}
			case *ast.RangeStmt: // over names that index settings
				list, ok := n.X.(*ast.CompositeLit)
				if !ok || !mentions(n.Body, "settings") {
					break
				}
				for _, e := range list.Elts {
					if name, ok := text(e); ok {
						real[name] = true
					}
				}
			}
			return true
		})
	}
	documented := set{}
	for _, row := range readPage(t, "README.md").section(t, "### /etc/spot.conf").rows(t, "setting") {
		for _, name := range code(row[0]) {
			documented[name] = true
		}
	}
	compare(t, "setting", documented, real)
}

func mentions(n ast.Node, name string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		ident, ok := n.(*ast.Ident)
		found = found || ok && ident.Name == name
		return true
	})
	return found
}
