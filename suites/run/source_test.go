package run

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a wait for a boolean says when it fails is that something was false. The
// linter has no rule for it.
func TestWaitsAreForValues(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, at := range booleanWaits(file) {
			t.Errorf("%s waits for a boolean; let it wait for a value that the failure can show", set.Position(at))
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func TestBooleanWaitsAreFound(t *testing.T) {
	const returnsBool = `func() bool { return x }`
	for statement, want := range map[string]int{
		`Eventually(ctx, f).WithTimeout(a).Should(BeTrue(), "text")`:   1,
		`gomega.Consistently(f).ShouldNot(gomega.BeFalse())`:           1,
		`g.Eventually(` + returnsBool + `).Should(Succeed())`:          1,
		`Eventually(ctx, check.Poll(f)).To(Equal(true))`:               1,
		`Eventually(ctx, check.Poll(f)).Should(Equal(cluster.Absent))`: 0,
		`Expect(ok).To(BeTrue(), "text")`:                              0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() {\n"+statement+"\n}\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := booleanWaits(file); len(got) != want {
			t.Errorf("%s: %d found, want %d", statement, len(got), want)
		}
	}
}

// booleanWaits are where a file calls Eventually or Consistently on a function that
// returns a bool, or with a matcher of one.
func booleanWaits(file *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch name, on := called(call); {
		case isWait(name) && slices.ContainsFunc(call.Args, returnsBool):
			found = append(found, call.Pos())
		case slices.Contains([]string{"Should", "ShouldNot", "To", "ToNot", "NotTo"}, name) && len(call.Args) > 0 && ofBool(call.Args[0]) && waits(on):
			found = append(found, call.Pos())
		}
		return true
	})
	return found
}

// called gives the name of what a call calls, and what it is called on.
func called(call *ast.CallExpr) (name string, on ast.Expr) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name, nil
	case *ast.SelectorExpr:
		return f.Sel.Name, f.X
	}
	return "", nil
}

func isWait(name string) bool {
	return strings.HasPrefix(name, "Eventually") || strings.HasPrefix(name, "Consistently")
}

// waits says whether a chain of calls begins with a wait.
func waits(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, on := called(call)
	return isWait(name) || waits(on)
}

func ofBool(matcher ast.Expr) bool {
	call, ok := matcher.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, _ := called(call)
	if name == "Equal" && len(call.Args) == 1 {
		value, ok := call.Args[0].(*ast.Ident)
		return ok && (value.Name == "true" || value.Name == "false")
	}
	return strings.HasPrefix(name, "BeTrue") || strings.HasPrefix(name, "BeFalse")
}

func returnsBool(e ast.Expr) bool {
	f, ok := e.(*ast.FuncLit)
	if !ok || f.Type.Results == nil || len(f.Type.Results.List) == 0 {
		return false
	}
	result, ok := f.Type.Results.List[0].Type.(*ast.Ident)
	return ok && result.Name == "bool"
}
