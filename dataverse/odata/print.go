package odata

import (
	"bytes"
	"strings"
)

// String prints the literal as OData text.
func (x *Literal) String() string { return text(x) }

// String prints the segments with slashes between them.
func (x *Path) String() string { return text(x) }

// String prints the alias with its @.
func (x *Alias) String() string { return text(x) }

// String prints the operation, with parentheses only where they are needed.
func (x *Unary) String() string { return text(x) }

// String prints the operation, with parentheses only where they are needed.
func (x *Binary) String() string { return text(x) }

// String prints the call without blanks between its arguments.
func (x *Call) String() string { return text(x) }

// String prints path/any(v:body).
func (x *Lambda) String() string { return text(x) }

// String prints ('a','b'), or ["a","b"] for JSON.
func (x *List) String() string { return text(x) }

// String is the JSON text.
func (x *Object) String() string { return x.Text }

// Quote is s as a string literal: O'Brien in quotes, its apostrophe doubled.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func text(x Expr) string {
	var out bytes.Buffer
	write(&out, x, 0)
	return out.String()
}

// write prints x, in parentheses if it binds more loosely than around.
func write(out *bytes.Buffer, x Expr, around int) {
	parens := binding(x) < around
	if parens {
		out.WriteByte('(')
	}
	switch x := x.(type) {
	case *Literal:
		writeLiteral(out, x)
	case *Path:
		out.WriteString(strings.Join(x.Segments, "/"))
	case *Alias:
		out.WriteString("@" + x.Name)
	case *Unary:
		writeUnary(out, x)
	case *Binary:
		writeBinary(out, x)
	case *Call:
		writeOn(out, x.On)
		out.WriteString(x.Name)
		writeArgs(out, x.Args)
	case *Lambda:
		writeLambda(out, x)
	case *List:
		writeList(out, x)
	case *Object:
		out.WriteString(x.Text)
	}
	if parens {
		out.WriteByte(')')
	}
}

// binding says how tightly the outermost part of x holds together.
func binding(x Expr) int {
	switch x := x.(type) {
	case *Unary:
		return unary
	case *Binary:
		return precedence(x.Op)
	}
	return primary
}

func writeLiteral(out *bytes.Buffer, x *Literal) {
	switch x.Kind {
	case Null:
		out.WriteString("null")
	case String:
		out.WriteString(Quote(x.Value))
	case Duration:
		out.WriteString("duration'" + x.Value + "'")
	case Enum:
		out.WriteString(x.Type + Quote(x.Value))
	default:
		out.WriteString(x.Value)
	}
}

func writeUnary(out *bytes.Buffer, x *Unary) {
	if x.Op == Not {
		out.WriteString("not ")
		write(out, x.X, unary)
		return
	}
	out.WriteByte('-')
	operand := out.Len()
	write(out, x.X, unary)
	if tail := string(out.Bytes()[operand:]); startsNumber(tail) { // -5 is a literal, - 5 an operation
		out.Truncate(operand)
		out.WriteString(" " + tail)
	}
}

func writeBinary(out *bytes.Buffer, x *Binary) {
	prec := precedence(x.Op)
	write(out, x.L, prec)
	out.WriteString(" " + string(x.Op) + " ")
	write(out, x.R, prec+1) // every operator groups to the left
}

func writeLambda(out *bytes.Buffer, x *Lambda) {
	writeOn(out, x.Path)
	name := "any("
	if x.All {
		name = "all("
	}
	out.WriteString(name)
	if x.Body != nil {
		out.WriteString(x.Var + ":")
		write(out, x.Body, 0)
	}
	out.WriteByte(')')
}

func writeOn(out *bytes.Buffer, path []string) {
	for _, s := range path {
		out.WriteString(s + "/")
	}
}

func writeArgs(out *bytes.Buffer, args []Arg) {
	out.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			out.WriteByte(',')
		}
		if a.Name != "" {
			out.WriteString(a.Name + "=")
		}
		write(out, a.Value, 0)
	}
	out.WriteByte(')')
}

func writeList(out *bytes.Buffer, x *List) {
	brackets := "()"
	if x.JSON {
		brackets = "[]"
	}
	out.WriteByte(brackets[0])
	for i, item := range x.Items {
		if i > 0 {
			out.WriteByte(',')
		}
		// JSON strings go in double quotes: the service takes no doubled apostrophe there.
		if s, ok := item.(*Literal); ok && x.JSON && s.Kind == String {
			writeJSONString(out, s.Value)
			continue
		}
		write(out, item, 0)
	}
	out.WriteByte(brackets[1])
}
