package docs

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

// testsByPackage returns the names of all tests by the folder of their package.
func testsByPackage(t *testing.T) map[string]set {
	t.Helper()
	found := map[string]set{}
	for name, file := range goFiles(t, true, append([]string{"scripts"}, programs...)...) {
		folder := path.Dir(name)
		if found[folder] == nil {
			found[folder] = set{}
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				found[folder][f.Name.Name] = true
			}
		}
	}
	return found
}

var testName = regexp.MustCompile(`\bTest[A-Z]\w*`)

// Every test that a page names exists.
func TestNamedTests(t *testing.T) {
	all := set{}
	for _, names := range testsByPackage(t) {
		for name := range names {
			all[name] = true
		}
	}
	named := 0
	for _, p := range pages(t) {
		for i, line := range p.lines {
			for _, name := range testName.FindAllString(line, -1) {
				named++
				if !all[name] {
					t.Errorf("%s:%d: there is no test %s", p.path, i+1, name)
				}
			}
		}
	}
	if named == 0 {
		t.Error("no page names a test")
	}
}

// The tests of each guarantee are in the package that is named before them, and each guarantee
// has one.
func TestGuarantees(t *testing.T) {
	tests := testsByPackage(t)
	for _, row := range readPage(t, "README.md").section(t, "## Guarantees").rows(t, "it promises") {
		folder, named := "", 0
		for _, word := range code(row[1]) {
			if in, ok := strings.CutPrefix(word, "./"); ok {
				folder = in
				continue
			}
			named++
			if !tests[folder][word] {
				t.Errorf("%.60s…: there is no test %s in ./%s", row[0], word, folder)
			}
		}
		if named == 0 {
			t.Errorf("%.60s…: no test is named", row[0])
		}
	}
}

// goCommand finds what a command line of go names: the packages, and the tests.
var (
	goCommand  = regexp.MustCompile(`\bgo (run|test|build) .*`)
	goPackage  = regexp.MustCompile(` (\./[\w./-]+)`)
	goTestName = regexp.MustCompile(`-run '\^(Test\w+)\$'`)
)

// Commands of go name packages that exist, and tests that are in them.
func TestGoCommands(t *testing.T) {
	tests, programs := testsByPackage(t), goFiles(t, false, "collector", "listener", "pkg", "scripts")
	isMain, isPackage := set{}, set{"": true}
	for name, file := range programs {
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			isPackage[folder] = true
		}
		isMain[path.Dir(name)] = file.Name.Name == "main"
	}
	for folder := range tests {
		isPackage[folder] = true
	}
	commands := 0
	for _, p := range pages(t) {
		for i, line := range p.lines {
			found := goCommand.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			commands++
			command, _, _ := strings.Cut(found[0], "`")
			command, _, _ = strings.Cut(command, "   ")
			name := goTestName.FindStringSubmatch(command)
			for _, at := range goPackage.FindAllStringSubmatch(command, -1) {
				folder := strings.TrimPrefix(at[1], "./")
				recursive := strings.HasSuffix(folder, "...")
				folder = strings.Trim(strings.TrimSuffix(folder, "..."), "/")
				switch {
				case !isPackage[folder]:
					t.Errorf("%s:%d: there is no package ./%s", p.path, i+1, folder)
				case found[1] == "run" && !isMain[folder]:
					t.Errorf("%s:%d: ./%s is no program", p.path, i+1, folder)
				case name != nil && !recursive && !tests[folder][name[1]]:
					t.Errorf("%s:%d: ./%s has no test %s", p.path, i+1, folder, name[1])
				}
			}
		}
	}
	if commands == 0 {
		t.Error("no page shows a command of go")
	}
}
